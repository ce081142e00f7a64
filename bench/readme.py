"""`python -m bench.readme`: write README's figures from virality_core/config/signals.toml and bench/results.

`--check` changes nothing and exits with 1 where README differs from what the files say: no figure is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from virality_core.config import signals as reference

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "bench" / "results" / "score.json"
NETWORK = ROOT / "bench" / "results" / "virality.json"
ADVICE = ROOT / "bench" / "results" / "advice.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.readme", description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    wanted = text
    written = {"signals": signals_table, "bench": bench_text, "network": network_text, "advice": advice_text}
    for name, content in written.items():
        wanted = _fill(wanted, name, content())
    if args.check:
        return int(text != wanted)
    README.write_text(wanted, encoding="utf-8")
    return 0


def signals_table() -> str:
    """One row a signal: title, weight as a share of the whole, what it is compared with, and the reason."""
    signals = reference.table()["signals"]
    total = sum(float(entry["weight"]) for entry in signals.values())
    rows = ["| signal | weight | compared with | why it counts |", "| --- | ---: | --- | --- |"]
    for name, entry in sorted(signals.items(), key=lambda item: -float(item[1]["weight"])):
        compared = reference.collections_named(reference.rate(name, 1.0).reference)
        for variant in entry.get("variants", {}):
            compared += f"; {variant}: {reference.rate(name, 1.0, variant=variant).reference}"
        card = f"weights/{entry['card']}" if "card" in entry else ""
        figures = f" Figures: [{card}]({card})." if card else ""
        share = 100 * float(entry["weight"]) / total
        rows.append(f"| {entry['title']} | {share:.1f} % | {compared} | {entry['reason']}{figures} |")
    return "\n".join(rows)


def bench_text() -> str:
    """What `make bench` measured last, as a table with the machine it ran on."""
    if not RESULTS.exists():
        return (
            "`make bench` measures `score_reel` beside a plain decode of the same reel; no quiet run is on record yet."
        )
    result = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [
        f"`make bench`, `lite` profile, warm, medians of {result['rounds']} rounds, {result['machine']['cpus']} noisy "
        f"cores ({result['machine']['processor']}), no GPU; a drawn 1080×1920 H.264 reel beside "
        "`ffmpeg -i reel -map 0:v -f null -` in the same run:",
        "",
        "| reel | ffmpeg decodes all | `score_reel` | ratio | peak memory above the imports |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for seconds, row in result["reels"].items():
        rows.append(
            f"| {seconds} s | {row['ffmpeg_seconds']:.2f} s | {row['score_seconds']:.2f} s | {row['ratio']:.2f} "
            f"| {row['peak_mb']:.0f} MB |"
        )
    return "\n".join(rows)


def network_text() -> str:
    """What `python -m bench.virality` measured last, in a sentence for inference and one for training's loading."""
    result = json.loads(NETWORK.read_text(encoding="utf-8"))
    rates = {(row["cached"], row["workers"]): row["clips_a_second"] for row in result["loading"]}

    def listed(cached: bool) -> str:
        without, one, two = (f"{rates[cached, workers]:.2g}" for workers in (0, 1, 2))
        return f"{without}, {one} and {two}"

    return (
        f"`python -m bench.virality` on 2 noisy cores, no GPU: five clips take {result['inference']['ratio']:.2f} × "
        "torchvision's bare forward on the same clips, preprocessing included. In training, clips of 1080×1920 reels "
        f"load at {listed(False)} a second with 0, 1 and 2 workers where each is decoded, and at {listed(True)} from "
        "the cache."
    )


def advice_text() -> str:
    """What `python -m bench.advice` measured last: how often the fault was named, and promises were kept."""
    result = json.loads(ADVICE.read_text(encoding="utf-8"))
    shown = "" if result["seconds"] is None else f" (their first {result['seconds']:.0f} s)"
    kinds = ", ".join(f"{kind.replace('_', ' ')} {named}/{of}" for kind, (named, of) in result["by_kind"].items())
    top, behind = result["top_advice_names_it"], result["named_at_all"] - result["top_advice_names_it"]
    also = f"; in {behind} more it is named behind other advice" if behind else ""
    return (
        f"`{result['command']}` degrades {len(result['clean'])} real clips{shown} with FFmpeg, each kind in three "
        f"strengths: the top advice names what was done in {top} of {result['cases']} copies ({kinds})"
        f"{also}. The copy with the top advice applied, as a file, scored what was "
        f"promised within 1 point in {result['kept_within_1_point']} of {result['applied']}; the furthest was "
        f"{result['largest_broken_promise']:.1f} off. On the clean clips no advice was worth more than "
        f"{result['most_points_on_a_clean_clip']:.1f} points."
    )


def _fill(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, rest = text.split(begin)
    return before + begin + content + "\n" + end + rest.split(end, 1)[1]


if __name__ == "__main__":
    sys.exit(main())
