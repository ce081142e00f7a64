"""Is the advice true? Degrades real clips and asks: `python -m bench.advice --help`.

For each clip, kind and strength: the clip is degraded with FFmpeg, scored, and asked for advice. Counted: how often the
top advice names the degradation; how far the score of the clip with that advice applied (a file again) is from what was
promised; what is advised on the clean clips.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
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


def _shaken(size: float) -> str:
    """A window of nine tenths that is thrown about by up to `size` of its room, in waves of 3 to 8 a second."""
    across = "0.6*sin(2*PI*3.7*t)+0.4*sin(2*PI*7.9*t)"
    down = "0.6*sin(2*PI*4.3*t+1)+0.4*sin(2*PI*6.7*t)"
    room = "trunc(iw*0.45)*2:trunc(ih*0.45)*2"
    return f"crop={room}:x='(iw-ow)/2*(1+{size}*({across}))':y='(ih-oh)/2*(1+{size}*({down}))'"


#: kind of advice → (video filter, audio filter) by strength; None leaves the stream
DEGRADED: dict[str, tuple[tuple[str | None, str | None], ...]] = {
    "exposure": (("eq=gamma=0.45", None), ("eq=gamma=0.35", None), ("eq=gamma=0.25", None)),
    "contrast": (("eq=contrast=0.6", None), ("eq=contrast=0.5", None), ("eq=contrast=0.35", None)),
    "white_balance": tuple((f"colorchannelmixer=rr={1}:gg={0.9}:bb={blue}", None) for blue in (0.6, 0.5, 0.35)),
    "denoise": tuple((f"noise=alls={level}:allf=t", None) for level in (20, 35, 50)),
    "sharpen": tuple((f"gblur=sigma={sigma}", None) for sigma in (2, 3, 4)),
    "crop_bars": tuple((f"pad=iw:trunc(ih*{high}/2)*2:0:(oh-ih)/2", None) for high in (1.2, 1.4, 1.7)),
    "stabilise": tuple((_shaken(size), None) for size in (0.3, 0.6, 0.95)),
    "loudness": tuple((None, f"volume={volume}dB") for volume in (-12, -18, -26)),
    "leading_silence": tuple((None, f"volume=0:enable='lt(t,{seconds})'") for seconds in (1.0, 2.0, 3.0)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.advice", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--clips", type=int, default=3, help="how many of them, smallest first")
    parser.add_argument("--kinds", nargs="*", default=list(DEGRADED), choices=list(DEGRADED))
    parser.add_argument("--strengths", type=int, nargs="*", default=[1, 0, 2], choices=range(3))
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS)
    parser.add_argument("--no-clean", action="store_true", help="leave the clean clips out")
    parser.add_argument("--out", type=Path, default=Path("bench/results/advice.json"))
    parser.add_argument("--seconds", type=float, help="only so much of each clip; the whole clip by default")
    parser.add_argument("--width", type=int, help="clips scaled to so many pixels; as they are by default")
    parser.add_argument("--resume", action="store_true", help="keep the cases that --out already has")
    options = parser.parse_args()
    clips = sorted(options.media.glob("*.mp4"), key=lambda path: path.stat().st_size)[: options.clips]
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.resume and options.out.exists() else {}
    if known and (known["seconds"], known["width"], known["budget"]) != (
        options.seconds,
        options.width,
        options.budget,
    ):
        parser.error(
            f"{options.out} was measured on clips of another length or width, or in other time; leave --resume out"
        )
    figures = measure(
        cases(clips, options.kinds, options.strengths, clean=not options.no_clean),
        weighed(load_scorers("lite", device="cpu")),
        budget=options.budget,
        seconds=options.seconds,
        width=options.width,
        rows=known.get("rows", []),
        clean=known.get("clean", []),
        out=options.out,
    )
    print({name: value for name, value in figures.items() if name not in ("rows", "clean")})
    return 0


def weighed(scorers: Scorers) -> Scorers:
    """Those that the score hangs on: finding text and faces takes as long as all of them, and moves nothing."""
    weights = prior().by_signal
    kept = tuple(one for one in scorers.scorers if any(weights.get(name, 0.0) > 0.0 for name in one.names))
    return replace(scorers, scorers=kept)


@dataclass(frozen=True, slots=True)
class Case:
    """A clip, and what is done to it: nothing where `kind` is None."""

    clip: Path
    kind: str | None
    strength: int


def cases(clips: Sequence[Path], kinds: Sequence[str], strengths: Sequence[int], *, clean: bool) -> list[Case]:
    """The clean clips, then every kind on every clip, one strength after the other: what is cut short still has all."""
    untouched = [Case(clip, None, 0) for clip in clips] if clean else []
    return untouched + [Case(clip, kind, strength) for strength in strengths for clip in clips for kind in kinds]


def measure(
    asked: Sequence[Case],
    scorers: Scorers,
    *,
    budget: float = BUDGET_SECONDS,
    seconds: float | None = None,
    width: int | None = None,
    rows: Sequence[dict[str, Any]] = (),
    clean: Sequence[dict[str, Any]] = (),
    out: Path | None = None,
) -> dict[str, Any]:
    """Every case, and what comes of them all; see `summary`.

    Args:
        asked: from `cases`.
        scorers: what scores.
        budget: seconds of trying changes, a case.
        seconds: only so much of each clip. width: each clip scaled to so many pixels; both for a small test.
        rows: cases that are known already, and `clean` such clips; they are not done again.
        out: where all is written after each case.
    """
    rows, clean = list(rows), list(clean)
    known = {(row["clip"], row["degraded"], row["strength"]) for row in rows} | {
        (row["clip"], None, 0) for row in clean
    }
    with tempfile.TemporaryDirectory() as folder:
        for case in asked:
            if (case.clip.name, case.kind, case.strength) in known:
                continue
            made = Path(folder) / f"{case.clip.stem}-{case.kind}-{case.strength}.mp4"
            degrade(case, made, seconds=seconds, width=width)
            if case.kind is None:
                clean.append({"clip": case.clip.name, "advice": _asked(made, scorers, budget)[1]})
                print(clean[-1], flush=True)
            else:
                rows.append(_row(made, case, scorers, budget))
                print(rows[-1], flush=True)
            made.unlink()
            if out is not None:
                _write(out, summary(rows, clean, seconds, width, budget))  # hours of work: what is known is kept
    return summary(rows, clean, seconds, width, budget)


def _write(out: Path, figures: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".new")
    beside.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, out)


def summary(
    rows: list[dict[str, Any]],
    clean: list[dict[str, Any]],
    seconds: float | None,
    width: int | None,
    budget: float,
) -> dict[str, Any]:
    """The three figures, with every row behind them; by kind too: named and cases."""
    by_kind = {kind: [row["top"] == kind for row in rows if row["degraded"] == kind] for kind in DEGRADED}
    kept = [abs(row["kept"] - row["promised"]) for row in rows if row["kept"] is not None]
    return {
        "command": "python -m bench.advice"
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


def _asked(path: Path, scorers: Scorers, budget: float) -> tuple[Report, list[tuple[str, float]]]:
    report = score_reel(path, scorers=scorers)
    advised = with_advice(path, report, scorers, budget_seconds=budget)
    return advised, [(advice.kind, round(advice.points, 2)) for advice in advised.advice if advice.points > 0.0]


def _row(path: Path, case: Case, scorers: Scorers, budget: float) -> dict[str, Any]:
    report, found = _asked(path, scorers, budget)
    kept = promised = None
    if found:
        top = report.advice[0]
        change = next(change for change in candidates(report) if change.id == top.id)
        mended = path.with_name("mended.mp4")
        export(path, mended, change)
        promised, kept = top.points, score_reel(mended, scorers=scorers).score - report.score
        mended.unlink()
    return {
        "clip": case.clip.name,
        "degraded": case.kind,
        "strength": case.strength,
        "score": round(report.score, 2),
        "top": found[0][0] if found else None,
        "advice": found,
        "promised": None if promised is None else round(promised, 2),
        "kept": None if kept is None else round(kept, 2),
    }


def degrade(case: Case, out: Path, *, seconds: float | None = None, width: int | None = None) -> None:
    """Write the case's clip with its fault to `out`; a clean one is copied where nothing is cut or scaled."""
    video, audio = (None, None) if case.kind is None else DEGRADED[case.kind][case.strength]
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
    raise SystemExit(main())
