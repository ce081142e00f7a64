"""`python -m bench.readme`: write the figures in README.md and docs/ from signals.toml, the limits and bench/results.

Each figure stands in a block between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. `--check` changes nothing and exits
with 1 where a block differs from its source.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from virality_core.config import signals as reference
from virality_core.media import DEFAULT_LIMITS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"

#: part of the score → what it looks at, and its signals
PARTS: dict[str, tuple[str, str]] = {
    "Hook": ("How the first 3 seconds look", "hook"),
    "Content": ("What happens in it: not scored yet (virality is from a network you train yourself)", "virality"),
    "Picture": (
        "How the frames look as photos, technical quality, light and color, framing, movement, shake and pace",
        "aesthetics quality sharpness brightness white_balance steadiness pace colourfulness screen_fill motion "
        "contrast noise composition faces shot_scale onscreen_text",
    ),
    "Sound": (
        "How loud it is, and how soon it starts",
        "loudness first_sound true_peak silence clipping speech tempo cut_to_beat music",
    ),
    "Caption": ("How posts with the same hashtags did", "hashtags keywords sentiment"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a block is out of date")
    args = parser.parse_args()
    blocks = {
        "README.md": {"parts": parts_table(), "limits": limits_text()},
        "docs/measured.md": {"signals": signals_table(), "speed": speed_text()},
        "docs/advice.md": {"advice": advice_text()},
        "docs/train-on-your-own-posts.md": {"network": network_text()},
    }
    outdated = False
    for name, contents in blocks.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        filled = text
        for block, content in contents.items():
            filled = _fill(filled, block, content)
        outdated |= filled != text
        if not args.check:
            path.write_text(filled, encoding="utf-8")
    return int(args.check and outdated)


def parts_table() -> str:
    """One row per part of the score: its share, what it looks at, and what is shown without points."""
    signals, total = _signals()
    rows = ["| part | share | what it looks at | shown without points |", "| --- | ---: | --- | --- |"]
    for part, (looks_at, listed) in PARTS.items():
        names = listed.split()
        share = sum(100 * float(signals[name]["weight"]) / total for name in names)
        shown = [str(signals[name]["title"]).lower() for name in names if not signals[name]["weight"]]
        rows.append(f"| {part} | {f'{share:.1f} %' if share else '–'} | {looks_at} | {', '.join(shown)} |")
    return "\n".join(rows)


def signals_table() -> str:
    """One row per signal: part, title, share of the score, what it is compared with, and the reason."""
    signals, total = _signals()
    rows = ["| part | signal | share | compared with | why it counts |", "| --- | --- | ---: | --- | --- |"]
    for part, (_, names) in PARTS.items():
        for name in sorted(names.split(), key=lambda name: -float(signals[name]["weight"])):
            entry = signals[name]
            compared = reference.collections_named(reference.rate(name, 1.0).reference)
            for variant in entry.get("variants", {}):
                compared += f"; {variant}: {reference.rate(name, 1.0, variant=variant).reference}"
            card = f" Figures: [weights/{entry['card']}](../weights/{entry['card']})." if "card" in entry else ""
            share = 100 * float(entry["weight"]) / total
            reason = str(entry["reason"]).replace("](weights/", "](../weights/")
            rows.append(f"| {part} | {entry['title']} | {share:.1f} % | {compared} | {reason}{card} |")
    return "\n".join(rows)


def _signals() -> tuple[dict[str, Any], float]:
    """The signals of signals.toml and the sum of their weights, once every signal is known to be in one part."""
    signals = reference.table()["signals"]
    placed = [name for _, names in PARTS.values() for name in names.split()]
    if sorted(placed) != sorted(signals):
        raise SystemExit(f"PARTS must hold each signal once; it differs in {set(placed) ^ set(signals)}.")
    return signals, sum(float(entry["weight"]) for entry in signals.values())


def limits_text() -> str:
    """The largest reel that is accepted."""
    limits = DEFAULT_LIMITS
    return (
        f"- A reel can have up to {limits.max_bytes / 1e6:.0f} MB (the app shows this as {limits.max_bytes // 2**20} "
        f"MB), {limits.max_seconds / 60:.0f} minutes, and 8K ({limits.max_pixels / 1e6:.0f} megapixels per frame)."
    )


def speed_text() -> str:
    """The last result of `make bench`, as a table with the machine it ran on."""
    result = _result("score")
    rows = [
        f"`make bench`, `lite` profile, models loaded, medians of {result['rounds']} rounds on "
        f"{result['machine']['cpus']} noisy cores ({result['machine']['processor']}), no GPU. The reel is a generated "
        "1080×1920 H.264 video, compared with `ffmpeg -i reel -map 0:v -f null -` in the same run:",
        "",
        "| reel | ffmpeg decodes all of it | `score_reel` | ratio | peak memory above the imports |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for seconds, row in result["reels"].items():
        rows.append(
            f"| {seconds} s | {row['ffmpeg_seconds']:.2f} s | {row['score_seconds']:.2f} s | {row['ratio']:.2f} "
            f"| {row['peak_mb']:.0f} MB |"
        )
    return "\n".join(rows)


def network_text() -> str:
    """The last result of `python -m bench.virality`: one sentence on inference and one on loading for training."""
    result = _result("virality")
    rates = {(row["cached"], row["workers"]): row["clips_a_second"] for row in result["loading"]}

    def listed(cached: bool) -> str:
        without, one, two = (f"{float(f'{rates[cached, workers]:.2g}'):g}" for workers in (0, 1, 2))
        return f"{without}, {one} and {two}"

    return (
        f"`python -m bench.virality` on 2 noisy cores, no GPU: five clips take {result['inference']['ratio']:.2f} "
        "times as long as torchvision's bare forward pass on the same clips, preprocessing included. In training, "
        f"clips from 1080×1920 reels load at {listed(False)} per second with 0, 1 and 2 workers if each is decoded, "
        f"and at {listed(True)} per second from the cache."
    )


def advice_text() -> str:
    """The last result of `recipes.advice.measure`: how often the fault was named and the promised points were won."""
    result = json.loads((ROOT / "recipes" / "advice" / "results.json").read_text(encoding="utf-8"))
    shown = "" if result["seconds"] is None else f" (their first {result['seconds']:.0f} s)"
    kinds = ", ".join(f"{_plain(kind)} {named}/{of}" for kind, (named, of) in result["by_kind"].items())
    top, behind = result["top_advice_names_it"], result["named_at_all"] - result["top_advice_names_it"]
    also = f"; in {behind} more, other advice came first" if behind else ""
    return (
        f"`{result['command']}` damages {len(result['clean'])} real clips{shown} with FFmpeg, each kind of damage at "
        f"three strengths. The top advice named the damage in {top} of {result['cases']} copies ({kinds}){also}. With "
        f"that advice applied and the copy scored again as a file, {result['kept_within_1_point']} of "
        f"{result['applied']} came within 1 point of the promise; the largest difference was "
        f"{result['largest_broken_promise']:.1f}. On the undamaged clips, no advice was worth more than "
        f"{result['most_points_on_a_clean_clip']:.1f} points."
    )


def _plain(kind: str) -> str:
    return kind.replace("_", " ").replace("stabilise", "stabilize")


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def _fill(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, rest = text.split(begin)
    return before + begin + content + "\n" + end + rest.split(end, 1)[1]


if __name__ == "__main__":
    sys.exit(main())
