"""`python -m tests.media.open_all FOLDER`: every file of a folder opened, previewed and exported, in one process.

Writes a line of JSON for each: its name, how it ended (`taken`, or `refused` with the sentence), and the reel's notes.
An exception that is no ViralityError ends it, as a crash does.
"""

from __future__ import annotations

import faulthandler
import json
import sys
from pathlib import Path

from virality_core.errors import ViralityError
from virality_core.media import open_reel, preview_mp4
from virality_core.media.encoding.edited_copy import Edits, edited_mp4
from virality_core.types import Plan

#: all that the scorers ask for
PLAN = Plan(stills=16, hook_stills=6, runs=True, cuts=True, clips=2, audio_rate=16_000)


def main(folder: Path) -> None:
    faulthandler.enable()
    for path in sorted(folder.iterdir()):
        row: dict[str, object] = {"file": path.name}
        try:
            reel = open_reel(path, PLAN)
            row |= {"end": "taken", "notes": reel.notes, "heard": reel.audio is not None}
        except ViralityError as error:
            row |= {"end": "refused", "notes": [str(error)]}
        else:
            for write in (lambda path=path: preview_mp4(path), lambda path=path: edited_mp4(path, _quieter())):
                try:
                    write()
                except ViralityError as error:
                    row["not written"] = str(error)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


def _quieter() -> Edits:
    return Edits(edit_sound=lambda samples: samples * 0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
