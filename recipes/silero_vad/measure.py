"""Measures the sound signals on generated sounds and real clips: `python -m recipes.silero_vad.measure`.

Loudness and true peak against FFmpeg's ebur128; the share of speech with sentences of espeak-ng over generated music at
known times; the tempo of generated beats. Needs espeak-ng and imageio-ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from tests.scorers.sounds import drums, hear, noise, signal, sine, spoken, write
from virality_core.scorers.sound.audio import AudioScorer, SpeechDetails, TempoDetails

RATE = 16_000
SENTENCES = (
    "Three things nobody tells you before you move to another city, and the first of them is rent.",
    "So follow along if you want to hear what happened when I finally asked my landlord about it.",
    "This recipe takes ten minutes, costs two euros, and my grandmother would never forgive me for it.",
    "Wait for the end, because the third one is the reason why I stopped buying coffee altogether.",
)
TEMPOS = (50, 58, 64, 70, 75, 84, 92, 100, 108, 112, 120, 128, 136, 140, 150, 155, 165, 174, 188, 200)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m recipes.silero_vad.measure", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"), help="folder of real clips")
    parser.add_argument("--out", type=Path, default=Path("weights/silero_vad/measured.json"))
    options = parser.parse_args()
    scorer = AudioScorer(profile="lite")
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "command": "python -m recipes.silero_vad.measure",
            "loudness": _loudness(scorer, Path(folder), options.media),
            "speech": _speech(scorer, Path(folder)),
            "tempo": _tempo(scorer, Path(folder)),
        }
    options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _loudness(scorer: AudioScorer, folder: Path, media: Path) -> dict[str, object]:
    sounds = {
        "sine 997 Hz": (sine(4.0), 48_000, "mono"),
        "sine 997 Hz, loud, stereo": (sine(4.0, level=0.7, channels=2), 48_000, "stereo"),
        "hum 40 Hz": (sine(4.0, hertz=40.0, level=0.5), 48_000, "mono"),
        "noise, stereo, 44.1 kHz": (noise(5.0, rate=44_100, channels=2), 44_100, "stereo"),
        "noise, 5.1": (noise(4.0, channels=6), 48_000, "5.1"),
        "noise, 8 kHz": (noise(4.0, rate=8_000), 8_000, "mono"),
        "noise, 192 kHz": (noise(3.0, rate=192_000), 192_000, "mono"),
        "quiet, then loud": (np.concatenate([sine(5.0, level=0.003), sine(5.0, level=0.3)], axis=1), 48_000, "mono"),
        "drums": (drums(100), 48_000, "mono"),
        "square wave": (np.sign(sine(4.0, hertz=441.3)).astype(np.float32), 48_000, "mono"),
    }
    rows = [
        _compared(scorer, name, write(folder / "sound.mkv", sound, rate=rate, layout=layout))
        for name, (sound, rate, layout) in sounds.items()
    ]
    rows += [_compared(scorer, path.name, path) for path in sorted(media.glob("*.mp4"))]
    return {"largest_difference_lu": max(abs(row["ours"] - row["ebur128"]) for row in rows), "clips": rows}


def _compared(scorer: AudioScorer, name: str, path: Path) -> dict[str, Any]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", str(path)]
    done = subprocess.run([*command, "-af", "ebur128=peak=true", "-f", "null", "-"], capture_output=True, text=True)
    answers = hear(path, scorer)
    return {
        "clip": name,
        "ours": round(signal(answers, "loudness").value, 2),
        "ebur128": float(re.findall(r"I:\s+(-?[\d.]+) LUFS", done.stderr)[-1]),
        "true_peak": round(signal(answers, "true_peak").value, 2),
        "ebur128_true_peak": float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", done.stderr)[-1]),
    }


def _speech(scorer: AudioScorer, folder: Path) -> dict[str, object]:
    rows = []
    for number, music_level in enumerate((0.0, 0.1, 0.2, 0.4, 0.8)):
        voices = [spoken(SENTENCES[(number + index) % len(SENTENCES)], rate=RATE) for index in range(2)]
        starts = (1.5 + number * 0.3, 1.5 + number * 0.3 + voices[0].shape[1] / RATE + 2.5)
        total = starts[1] + voices[1].shape[1] / RATE + 2.0 + number
        mixed = music_level * drums(90 + 10 * number, total, rate=RATE)
        for voice, at in zip(voices, starts, strict=True):
            mixed[:, round(at * RATE) : round(at * RATE) + voice.shape[1]] += 0.7 * voice
        truth = sum(voice.shape[1] for voice in voices) / RATE / total
        path = write(folder / "mix.mkv", np.clip(mixed, -1, 1).astype(np.float32), rate=RATE)
        found = signal(hear(path, scorer), "speech")
        assert isinstance(found.details, SpeechDetails)
        rows.append(
            {
                "music_level": music_level,
                "truth": round(truth, 3),
                "found": round(found.value / 100, 3),
                "dominant": found.details.dominant,
            }
        )
    music = signal(hear(write(folder / "music.mkv", 0.4 * drums(100), rate=48_000), scorer), "speech")
    return {
        "largest_difference": round(max(abs(row["truth"] - row["found"]) for row in rows), 3),
        "music_alone": round(music.value / 100, 3),
        "mixes": rows,
    }


def _tempo(scorer: AudioScorer, folder: Path) -> dict[str, object]:
    rows = []
    for tempo in TEMPOS:
        found = signal(hear(write(folder / "drums.mkv", drums(tempo)), scorer), "tempo")
        assert isinstance(found.details, TempoDetails)
        readings = {"tempo": found.value, "half": found.details.half, "double": found.details.double}
        fits = min(readings, key=lambda name: abs(readings[name] / tempo - 1))
        rows.append({"played": tempo, "found": round(found.value, 1), "fits": fits, "off": readings[fits] / tempo - 1})
    return {
        "largest_error_percent": round(100 * max(abs(row["off"]) for row in rows), 2),
        "as_played": sum(row["fits"] == "tempo" for row in rows),
        "half_or_double": sum(row["fits"] != "tempo" for row in rows),
        "beats": [{**row, "off": round(row["off"], 4)} for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
