"""`make example`: from a folder of videos and their counts to a scored reel, showing each command.

The videos are generated (moving_videos.py): those that speed up do well, which no single frame shows. The network is
small, so that it learns this within minutes on two cores; with your own videos, leave the sizes out. The model is
added to the example's own folder, not to your app.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from examples import moving_videos

SMALL = "--width 8 --blocks 1,1,1,1 --dropout 0 --resize 36x36 --side 32 --clips 2 --from-scratch"
LEARNING = (
    "--epochs {epochs} --batch 16 --accumulate 1 --learning-rate 0.004 --ema 0.9 --label-smoothing 0 --patience 0"
)


def main(arguments: list[str] | None = None) -> int:
    """Run the example; returns the exit code of the first command that fails, else 0."""
    parser = argparse.ArgumentParser(prog="python -m examples.virality", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "out", help="output folder")
    parser.add_argument("--videos", type=int, default=240, help="how many to generate (default 240)")
    parser.add_argument("--epochs", type=int, default=10, help="per training (default 10)")
    options = parser.parse_args(arguments)
    start, out = time.monotonic(), options.out
    posts = out / "videos" / "posts.json"
    if not posts.exists():
        _say(f"Generating {options.videos} videos in {posts.parent}.")
        moving_videos.make(posts.parent, options.videos)
    learning = LEARNING.format(epochs=options.epochs)
    commands = [f"preprocess {_quoted(posts)} --videos {_quoted(posts.parent)} --out {_quoted(out / 'data')}"]
    for task in ("classification", "regression"):
        run, data = _quoted(out / task), _quoted(out / "data")
        commands += [
            f"train virality --task {task} --data {data} --out {run} --cache {_quoted(out / 'cache')} --workers 0 "
            f"{SMALL} {learning}",
            f"evaluate virality {run} --data {data}",
            f"weights add {run}",
        ]
    reel = next(iter(sorted(posts.parent.glob("*.mp4"))))
    commands.append(f"score {_quoted(reel)} --profile lite --details")
    environment = {**os.environ, "VIRALITY_WEIGHTS_DIR": str(out / "weights")}
    for command in commands:
        _say(f"\n$ virality {command}")
        done = subprocess.run(
            [sys.executable, "-m", "virality_core", *shlex.split(command)], env=environment, check=False
        )
        if done.returncode:
            return done.returncode
    _say(f"\nDone in {time.monotonic() - start:.0f} s. The evaluations are in {out}/*/evaluation/index.html;")
    _say(f"the Train page of the app shows them too if you start it with VIRALITY_RUNS={out}.")
    return 0


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
