"""Is the advice true? Degrades real clips and asks: `python -m bench.advice --help`.

For each clip, kind and strength: the clip is degraded with FFmpeg, scored, and asked for advice. Counted: how often the
top advice names the degradation; how far the score of the clip with that advice applied (a file again) is from what was
promised; what is advised on the clean clips.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from virality_core import load_scorers, score_reel
from virality_core.advice import BUDGET_SECONDS, candidates
from virality_core.improve import export, with_advice

#: kind of advice → (video filter, audio filter) by strength; None leaves the stream
DEGRADED: dict[str, tuple[tuple[str | None, str | None], ...]] = {
    "exposure": (("eq=gamma=0.45", None), ("eq=gamma=0.35", None), ("eq=gamma=0.25", None)),
    "contrast": (("eq=contrast=0.6", None), ("eq=contrast=0.5", None), ("eq=contrast=0.35", None)),
    "white_balance": tuple((f"colorchannelmixer=rr={1}:gg={0.9}:bb={blue}", None) for blue in (0.6, 0.5, 0.35)),
    "denoise": tuple((f"noise=alls={level}:allf=t", None) for level in (20, 35, 50)),
    "sharpen": tuple((f"gblur=sigma={sigma}", None) for sigma in (2, 3, 4)),
    "crop_bars": tuple((f"pad=iw:trunc(ih*{high}/2)*2:0:(oh-ih)/2", None) for high in (1.2, 1.4, 1.7)),
    "loudness": tuple((None, f"volume={volume}dB") for volume in (-12, -18, -26)),
    "leading_silence": tuple((None, f"volume=0:enable='lt(t,{seconds})'") for seconds in (1.0, 2.0, 3.0)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.advice", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--clips", type=int, default=3, help="how many of them")
    parser.add_argument("--kinds", nargs="*", default=list(DEGRADED), choices=list(DEGRADED))
    parser.add_argument("--strengths", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS)
    parser.add_argument("--no-clean", action="store_true", help="leave the clean clips out")
    parser.add_argument("--out", type=Path, default=Path("bench/results/advice.json"))
    options = parser.parse_args()
    scorers = load_scorers("lite", device="cpu")
    rows, clean = [], []
    with tempfile.TemporaryDirectory() as folder:
        for clip in sorted(options.media.glob("*.mp4"), key=lambda path: path.stat().st_size)[: options.clips]:
            if not options.no_clean:
                clean.append({"clip": clip.name, "advice": _asked(clip, scorers, options.budget)[1]})
                print(clean[-1], flush=True)
            for kind in options.kinds:
                for strength in options.strengths:
                    worse = Path(folder) / f"{clip.stem}-{kind}-{strength}.mp4"
                    _degrade(clip, worse, *DEGRADED[kind][strength])
                    rows.append(_row(worse, clip.name, kind, strength, scorers, options.budget))
                    print(rows[-1], flush=True)
                    _write(options.out, summary(rows, clean))  # hours of work: what is known is kept
                    worse.unlink()
    figures = summary(rows, clean)
    _write(options.out, figures)
    print({name: value for name, value in figures.items() if name not in ("rows", "clean")})
    return 0


def _write(out: Path, figures: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(out.name + ".new")
    beside.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, out)


def summary(rows: list[dict[str, Any]], clean: list[dict[str, Any]]) -> dict[str, Any]:
    """The three figures, with every row behind them."""
    kept = [abs(row["kept"] - row["promised"]) for row in rows if row["kept"] is not None]
    return {
        "command": "python -m bench.advice",
        "cases": len(rows),
        "top_advice_names_it": sum(row["top"] == row["degraded"] for row in rows),
        "named_at_all": sum(row["degraded"] in [kind for kind, _ in row["advice"]] for row in rows),
        "applied": len(kept),
        "kept_within_1_point": sum(off <= 1.0 for off in kept),
        "largest_broken_promise": max(kept, default=None),
        "most_points_on_a_clean_clip": max((points for row in clean for _, points in row["advice"]), default=0.0),
        "clean": clean,
        "rows": rows,
    }


def _asked(path: Path, scorers: Any, budget: float) -> tuple[Any, list[tuple[str, float]]]:
    report = score_reel(path, scorers=scorers)
    advised = with_advice(path, report, scorers, budget_seconds=budget)
    return advised, [(advice.kind, round(advice.points, 2)) for advice in advised.advice]


def _row(path: Path, clip: str, kind: str, strength: int, scorers: Any, budget: float) -> dict[str, Any]:
    report, found = _asked(path, scorers, budget)
    kept = promised = None
    if report.advice:
        top = report.advice[0]
        change = next(change for change in candidates(report) if change.text == top.text)
        mended = path.with_name("mended.mp4")
        export(path, mended, change)
        promised, kept = top.points, score_reel(mended, scorers=scorers).score - report.score
        mended.unlink()
    return {
        "clip": clip,
        "degraded": kind,
        "strength": strength,
        "score": round(report.score, 2),
        "top": found[0][0] if found else None,
        "advice": found,
        "promised": None if promised is None else round(promised, 2),
        "kept": None if kept is None else round(kept, 2),
    }


def _degrade(source: Path, out: Path, video: str | None, audio: str | None) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source)]
    command += ["-vf", video, "-c:v", "libx264", "-crf", "14", "-preset", "veryfast"] if video else ["-c:v", "copy"]
    command += ["-af", audio, "-c:a", "aac", "-b:a", "160k"] if audio else ["-c:a", "copy"]
    subprocess.run([*command, str(out)], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
