"""Puts what the benchmarks printed into docs/performance.md: python docs/benchmarks.py

Reads bench/results.jsonl (`make bench > bench/results.jsonl`), fills the tables between the page's
markers and draws docs/performance.svg.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from picture import STYLE as COLOURS

from livr.analysis.figures import INK, METHODS, MUTED, STYLE, as_svg

PAGE = Path(__file__).with_name("performance.md")
RESULTS = PAGE.parents[1] / "bench" / "results.jsonl"
BEGIN, END = "<!-- begin {} -->\n", "<!-- end {} -->"

Result = Mapping[str, Any]


def read(path: Path = RESULTS) -> dict[str, Any]:
    """Results by name of the benchmark."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {result["bench"]: result for result in map(json.loads, lines)}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; all columns but the first are numbers."""
    head = list(head)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def mib(count: float) -> str:
    """Bytes for people.

    >>> mib(3 * 2**20)
    '3.0'
    """
    return f"{count / 2**20:,.1f}" if count < 100 * 2**20 else f"{count / 2**20:,.0f}"


def beside_trl(result: Result) -> str:
    speed = result["examples_per_second"]
    rows = []
    for ours, theirs, part in (
        ("direct fine-tuning", "the same, TRL", "sft"),
        ("LIVR, both stages", "latents as token rows, TRL", "livr"),
    ):
        found = result[part]
        arm = "trl_sft" if part == "sft" else "trl_latents"
        rows.append([ours, f"{speed[part]:.2f}", mib(found["bytes"]["ours"]), "", ""])
        ratios = [f"{found['speedup']:.2f}", f"{found['memory']:.2f}"]
        rows.append([theirs, f"{speed[arm]:.2f}", mib(found["bytes"]["trl"]), *ratios])
    found = result["trl_checkpointing"]
    row = ["direct, TRL with checkpointing", f"{speed['trl_sft_checkpointing']:.2f}"]
    row += [mib(found["bytes"]["trl"]), f"{found['speedup']:.2f}", f"{found['memory']:.2f}"]
    rows.append(row)
    head = ["", "examples/s", "peak MiB", "ours is faster by", "and smaller by"]
    return table(head, rows)


def factors(result: Result) -> str:
    rows = [[name, f"{value:.2f}"] for name, value in result["factors"].items()]
    return table(["LIVR without it takes longer by", "factor"], rows)


def stage1(result: Result) -> str:
    rows = [
        [tokens, f"{x['ratio']:.3f}", f"{x['ratio_masked']:.3f}", f"{x['seconds']['stage2']:.2f}"]
        for tokens, x in result["by_tokens"].items()
    ]
    head = ["image tokens", "stage 1 over stage 2", "the same with a mask", "stage 2, seconds"]
    return table(head, rows)


def inference(result: Result) -> str:
    rows = [
        [
            tokens,
            f"{100 * (x['overhead'] - 1):+.1f} %",
            f"{mib(x['kv_bytes']['kept'])} → {mib(x['kv_bytes']['dropped'])}",
            f"{x['kv_ratio']:.1f}",
            f"{x['decode_ratio']:.2f}",
            f"{x['second_turn_ratio']:.2f}",
        ]
        for tokens, x in result["by_tokens"].items()
    ]
    head = ["image tokens", "16 latents cost", "keys and values, MiB", "less by", "a word"]
    return table([*head, "a second turn"], rows)


def scale(result: Result) -> str:
    units = {"image_tokens": "image token", "latents": "latent", "batch": "example in the batch"}
    units["examples"] = "example in the data"
    rows = []
    for name, unit in units.items():
        x = result[name]
        points = ", ".join(f"{at}: {seconds:.2f}" for at, seconds in x["seconds"].items())
        rows.append([name.replace("_", " "), points, f"{1000 * x['per_unit']:.2f} ms per {unit}"])
        rows[-1].append(f"{x['exponent']:.2f}")
    return table(["", "seconds at", "slope", "exponent"], rows)


def processes(result: Result) -> str:
    x = result["processes"]
    return (
        f"{x['examples']} examples, {x['epochs']} epochs: one process of one thread takes "
        f"{x['seconds']['1']:.1f} s, two take {x['seconds']['2']:.1f} s, "
        f"{x['speedup']:.2f} times as fast.\n"
    )


def data(result: Result) -> str:
    build, load = result["build"], result["loading"]
    rows = [
        ["questions built, counting", f"{build['images_per_second']:.1f}"],
        ["images read and processed", f"{load['live_images_per_second']:.1f}"],
        ["the same, and encoded into the cache", f"{load['cold_images_per_second']:.1f}"],
        ["taken from the cache", f"{load['warm_images_per_second']:,.0f}"],
    ]
    growth = load["reading_growth_bytes_per_image"] / 1024
    held = load["held_bytes_per_image"] / 1024
    return table(["", "images/s"], rows) + (
        f"\nMemory grows by {growth:.1f} KiB per image read (its pixels take "
        f"{load['pixel_bytes_per_image'] / 1024:,.0f} KiB) and by {held:.1f} KiB per example kept; "
        f"the cache takes {load['disk_bytes_per_image'] / 1024:,.0f} KiB of disk per image.\n"
    )


def compiled(result: Result) -> str:
    rows = [
        [
            stage,
            f"{result[stage]['ratio']:.2f}",
            f"{result[stage]['warm_up']:.0f} s",
            f"{result[stage]['breaks']}",
        ]
        for stage in ("stage1", "stage2")
    ]
    return table(["", "compiled over eager", "compiling", "breaks"], rows)


def limits(result: Result) -> str:
    rows = [
        [tokens, *(f"{x['counted'][n]:.2f}" for n in ("stage1", "stage2", "prompt", "word"))]
        + [f"{100 * x['share'][n]:.0f} %" for n in ("stage1", "masked", "stage2")]
        for tokens, x in result["by_tokens"].items()
    ]
    head = ["image tokens", "stage 1", "stage 2", "prompt", "word"]
    return table([*head, "share, stage 1", "masked", "stage 2"], rows)


def predicted(result: Result) -> str:
    rows = []
    for name, x in result["predicted"].items():
        if not isinstance(x, dict):
            continue
        one, two = x["stage1"], x["stage2"]
        kept, dropped = x["image_kept"], x["image_dropped"]
        row = [name, f"{1000 * one['seconds']:.0f} / {1000 * two['seconds']:.0f} ms", one["limit"]]
        row += [f"{x['stage1_over_stage2']:.2f}", f"{1000 * x['prompt_seconds']:.0f} ms"]
        rows.append([*row, f"{kept['kv_mib']:.1f} → {dropped['kv_mib']:.1f} MiB"])
    head = ["", "step, stage 1 / 2", "limit", "operations, 1 over 2", "prompt", "keys and values"]
    return table(head, rows)


def targets(results: Result) -> str:
    trl, step, answer = (results[name] for name in ("train_vs_trl", "stage1", "inference"))
    rows = [
        ["examples per second over TRL's, direct", "3", f"{trl['sft']['speedup']:.1f}"],
        ["the same, LIVR beside TRL with latents", "3", f"{trl['livr']['speedup']:.1f}"],
        ["TRL's peak memory over ours, direct", "2", f"{trl['sft']['memory']:.1f}"],
        ["the same, LIVR beside TRL with latents", "2", f"{trl['livr']['memory']:.1f}"],
        ["stage 1 over stage 2, 256 tokens", "at most 1.00", f"{step['ratio']:.3f}"],
        ["16 latents, 576 tokens", "at most +5 %", f"{100 * (answer['overhead'] - 1):+.1f} %"],
        ["less memory for keys and values, 576 tokens", "5", f"{answer['kv_ratio']:.1f}"],
    ]
    return table(["", "target", "measured"], rows)


BLOCKS: dict[str, tuple[str | None, Callable[[Result], str]]] = {
    "targets": (None, targets),
    "trl": ("train_vs_trl", beside_trl),
    "factors": ("train_vs_trl", factors),
    "stage1": ("stage1", stage1),
    "inference": ("inference", inference),
    "scale": ("scale", scale),
    "processes": ("scale", processes),
    "data": ("data", data),
    "compile": ("compile", compiled),
    "limits": ("model", limits),
    "predicted": ("model", predicted),
}


def replaced(page: str, block: str, text: str) -> str:
    """The page with other text between the markers of a block."""
    begin, end = BEGIN.format(block), END.format(block)
    return page[: page.index(begin) + len(begin)] + text + page[page.index(end) :]


def filled(page: str, results: Mapping[str, Any]) -> str:
    """The page with every block between its markers written anew."""
    for name, (bench, write) in BLOCKS.items():
        page = replaced(page, name, write(results[bench] if bench else results))
    return page


def draw(results: Mapping[str, Any]) -> str:
    """Examples per second beside TRL, what each factor gives, and keys and values kept."""
    import matplotlib
    from matplotlib.figure import Figure

    trl, answers = results["train_vs_trl"], results["inference"]["by_tokens"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 3.2), layout="constrained")
        speed, worth, memory = figure.subplots(1, 3, width_ratios=(1, 1.25, 1))
        rates = trl["examples_per_second"]
        bars = {"TRL": MUTED, "direct": METHODS["sft"], "TRL ": MUTED, "LIVR": METHODS["livr"]}
        values = [rates[name] for name in ("trl_sft", "sft", "trl_latents", "livr")]
        for at, (value, colour) in enumerate(zip(values, bars.values(), strict=True)):
            speed.bar(at + (at > 1) * 0.4, value, 0.8, color=colour)
            speed.text(at + (at > 1) * 0.4, value, f"{value:.2f}", ha="center", va="bottom")
        speed.set_ylim(0, 1.1 * max(values))
        speed.set_xticks([0, 1, 2.4, 3.4], list(bars))
        speed.set_title("examples per second", color=INK, fontsize=11)
        names = list(trl["factors"])[::-1]
        for at, name in enumerate(names):
            worth.barh(at, trl["factors"][name] - 1, 0.6, left=1, color=METHODS["livr"])
        worth.axvline(1, color=INK, linewidth=0.9)
        short = {"batches of about one length, two at a time": "sorted batches"}
        worth.set_yticks(range(len(names)), [short.get(n, n) for n in names], fontsize=9)
        worth.set_title("LIVR without it takes longer by", color=INK, fontsize=11)
        worth.grid(axis="y", visible=False)
        tokens = [int(t) for t in answers]
        for kind, colour in (("kept", MUTED), ("dropped", METHODS["livr"])):
            sizes = [answers[str(t)]["kv_bytes"][kind] / 2**20 for t in tokens]
            memory.plot(tokens, sizes, "o-", color=colour, markersize=4, label=f"image {kind}")
        memory.set_ylim(bottom=0)
        memory.legend(frameon=False, labelcolor="linecolor")
        memory.set_xlabel("image tokens")
        memory.set_title("keys and values, MiB", color=INK, fontsize=11)
        svg = as_svg(figure)
    return svg.replace(">", f"><style>{COLOURS}</style>", 1)


def main() -> None:
    """Fill the page and draw the figure."""
    results = read()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    PAGE.with_name("performance.svg").write_text(draw(results), encoding="utf-8")


if __name__ == "__main__":
    main()
