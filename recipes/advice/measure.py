"""Measures whether the advice is right: `python -m recipes.advice.measure`.

Clips are damaged with FFmpeg, each kind of damage in three strengths, then scored and asked for advice. Counted: how
often the top advice names the damage; how far the score of the clip with that advice applied, as a file, is from what
was promised; and what is advised for the undamaged clips.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from virality_core import load_scorers, score_reel
from virality_core.advice import BUDGET_SECONDS, candidates
from virality_core.advice.export import export
from virality_core.advice.trial import with_advice
from virality_core.pipeline import Scorers
from virality_core.score.shares import prior
from virality_core.types import Report


def _shake(size: float) -> str:
    """Crop to nine tenths, moved about by up to `size` of the margin, in waves of 3 to 8 per second."""
    across = "0.6*sin(2*PI*3.7*t)+0.4*sin(2*PI*7.9*t)"
    down = "0.6*sin(2*PI*4.3*t+1)+0.4*sin(2*PI*6.7*t)"
    room = "trunc(iw*0.45)*2:trunc(ih*0.45)*2"
    return f"crop={room}:x='(iw-ow)/2*(1+{size}*({across}))':y='(ih-oh)/2*(1+{size}*({down}))'"


#: kind of advice that repairs it → (video filter, audio filter) by strength; None leaves the stream as it is
DAMAGE: dict[str, tuple[tuple[str | None, str | None], ...]] = {
    "exposure": tuple((f"eq=gamma={gamma}", None) for gamma in (0.45, 0.35, 0.25)),
    "contrast": tuple((f"eq=contrast={contrast}", None) for contrast in (0.6, 0.5, 0.35)),
    "white_balance": tuple((f"colorchannelmixer=rr=1:gg=0.9:bb={blue}", None) for blue in (0.6, 0.5, 0.35)),
    "denoise": tuple((f"noise=alls={level}:allf=t", None) for level in (20, 35, 50)),
    "sharpen": tuple((f"gblur=sigma={sigma}", None) for sigma in (2, 3, 4)),
    "crop_bars": tuple((f"pad=iw:trunc(ih*{high}/2)*2:0:(oh-ih)/2", None) for high in (1.2, 1.4, 1.7)),
    "stabilise": tuple((_shake(size), None) for size in (0.3, 0.6, 0.95)),
    "loudness": tuple((None, f"volume={volume}dB") for volume in (-12, -18, -26)),
    "leading_silence": tuple((None, f"volume=0:enable='lt(t,{seconds})'") for seconds in (1.0, 2.0, 3.0)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.advice.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--clips", type=int, default=3, help="use this many of them, smallest first")
    parser.add_argument("--seconds", type=float, help="use only the first SECONDS of each clip")
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS, help="seconds of trying changes per case")
    parser.add_argument("--resume", action="store_true", help="keep the cases that --out already has")
    parser.add_argument("--out", type=Path, default=Path("recipes/advice/results.json"))
    options = parser.parse_args()
    clips = sorted(options.media.glob("*.mp4"), key=lambda path: path.stat().st_size)[: options.clips]
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.resume and options.out.exists() else {}
    if known and (known["seconds"], known["budget"]) != (options.seconds, options.budget):
        parser.error(f"{options.out} was measured with another --seconds or --budget; leave --resume out.")
    figures = measure(
        cases(clips, list(DAMAGE), [1, 0, 2]),
        scored(load_scorers("lite", device="cpu")),
        budget=options.budget,
        seconds=options.seconds,
        rows=known.get("rows", []),
        clean=known.get("clean", []),
        out=options.out,
    )
    print({name: value for name, value in figures.items() if name not in ("rows", "clean")})
    return 0


def scored(scorers: Scorers) -> Scorers:
    """Those with a share in the score: finding text and faces takes as long as all of them, and changes nothing."""
    shares = prior().by_signal
    kept = tuple(one for one in scorers.scorers if any(shares.get(name, 0.0) > 0.0 for name in one.names))
    return replace(scorers, scorers=kept)


@dataclass(frozen=True, slots=True)
class Case:
    """A clip and its damage; None for the undamaged clip."""

    clip: Path
    kind: str | None
    strength: int


def cases(clips: Sequence[Path], kinds: Sequence[str], strengths: Sequence[int]) -> list[Case]:
    """The undamaged clips, then every kind on every clip, one strength after another: a run cut short has all kinds."""
    undamaged = [Case(clip, None, 0) for clip in clips]
    return undamaged + [Case(clip, kind, strength) for strength in strengths for clip in clips for kind in kinds]


def measure(
    cases: Sequence[Case],
    scorers: Scorers,
    *,
    budget: float = BUDGET_SECONDS,
    seconds: float | None = None,
    width: int | None = None,
    rows: Sequence[dict[str, Any]] = (),
    clean: Sequence[dict[str, Any]] = (),
    out: Path | None = None,
) -> dict[str, Any]:
    """Measure every case; see `summary`.

    Args:
        cases: from `cases`.
        scorers: what scores.
        budget: seconds of trying changes per case.
        seconds: use only the start of each clip.
        width: scale each clip to this many pixels, for a small test.
        rows: damaged cases measured before, and `clean` the undamaged ones.
        out: where to write everything after each case.
    """
    rows, clean = list(rows), list(clean)
    known = {(row["clip"], row.get("degraded"), row.get("strength", 0)) for row in (*rows, *clean)}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            if (case.clip.name, case.kind, case.strength) in known:
                continue
            path = Path(folder) / f"{case.clip.stem}-{case.kind}-{case.strength}.mp4"
            damage(case, path, seconds=seconds, width=width)
            results = clean if case.kind is None else rows
            results.append(_row(path, case, scorers, budget))
            print(results[-1], flush=True)
            path.unlink()
            if out is not None:  # a run takes hours: nothing measured is lost
                partial = out.with_name(out.name + ".part")
                partial.write_text(json.dumps(summary(rows, clean, seconds, width, budget), indent=1) + "\n")
                os.replace(partial, out)
    return summary(rows, clean, seconds, width, budget)


def summary(
    rows: list[dict[str, Any]],
    clean: list[dict[str, Any]],
    seconds: float | None,
    width: int | None,
    budget: float,
) -> dict[str, Any]:
    """The counts, by kind (named, cases) too, with every row behind them."""
    by_kind = {kind: [row["top"] == kind for row in rows if row["degraded"] == kind] for kind in DAMAGE}
    kept = [abs(row["kept"] - row["promised"]) for row in rows if row["kept"] is not None]
    return {
        "command": "python -m recipes.advice.measure"
        + (f" --seconds {seconds:g}" if seconds else "")
        + (f" --budget {budget:g}" if budget != BUDGET_SECONDS else ""),
        "seconds": seconds,
        "width": width,
        "budget": budget,
        "cases": len(rows),
        "top_advice_names_it": sum(row["top"] == row["degraded"] for row in rows),
        "by_kind": {kind: [sum(named), len(named)] for kind, named in by_kind.items() if named},
        "named_at_all": sum(row["degraded"] in [kind for kind, _ in row["advice"]] for row in rows),
        "applied": len(kept),
        "kept_within_1_point": sum(off <= 1.0 for off in kept),
        "largest_broken_promise": max(kept, default=None),
        "most_points_on_a_clean_clip": max((points for row in clean for _, points in row["advice"]), default=0.0),
        "clean": clean,
        "rows": rows,
    }


def _row(path: Path, case: Case, scorers: Scorers, budget: float) -> dict[str, Any]:
    report: Report = with_advice(path, score_reel(path, scorers=scorers), scorers, budget_seconds=budget)
    advice = [(one.kind, round(one.points, 2)) for one in report.advice if one.points > 0.0]
    if case.kind is None:
        return {"clip": case.clip.name, "advice": advice}
    kept = promised = None
    if advice:
        top = report.advice[0]
        change = next(change for change in candidates(report) if change.id == top.id)
        repaired = export(path, path.with_name("repaired.mp4"), change)
        promised = round(top.points, 2)
        kept = round(score_reel(repaired, scorers=scorers).score - report.score, 2)
        repaired.unlink()
    return {
        "clip": case.clip.name,
        "degraded": case.kind,
        "strength": case.strength,
        "score": round(report.score, 2),
        "top": advice[0][0] if advice else None,
        "advice": advice,
        "promised": promised,
        "kept": kept,
    }


def damage(case: Case, out: Path, *, seconds: float | None = None, width: int | None = None) -> None:
    """Write the case's clip with its damage; an undamaged one that isn't cut or scaled is copied."""
    video, audio = (None, None) if case.kind is None else DAMAGE[case.kind][case.strength]
    if width is not None:
        video = f"scale={width}:-2" if video is None else f"scale={width}:-2,{video}"
    if video is None and audio is None and seconds is None:
        shutil.copyfile(case.clip, out)
        return
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(case.clip)]
    command += ["-t", str(seconds)] if seconds else []
    command += ["-vf", video, "-c:v", "libx264", "-crf", "14", "-preset", "veryfast"] if video else ["-c:v", "copy"]
    command += ["-af", audio, "-c:a", "aac", "-b:a", "160k"] if audio else ["-c:a", "copy"]
    subprocess.run([*command, str(out)], check=True)


if __name__ == "__main__":
    sys.exit(main())
