"""Draws docs/livr.svg, the picture of the README: python docs/picture.py

One question of `livr data build counting --source pool`, the road from image to answer in both
stages, and the masks as the code evaluates them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from livr.analysis.figures import mask
from livr.analysis.samples import data_uri
from livr.data.build import build_task
from livr.data.example import Example
from livr.data.store import load_split
from livr.method.bottleneck import BOTTLENECK, ORDINARY, Policy
from livr.method.roles import Role

WIDTH, HEIGHT, PANEL = 920, 560, 420
STYLE = """
svg { --paper: #fdfcf9;
      --ink: #1d1c1a; --muted: #6d6962; --rule: #e3dfd6; --sft: #2f6db3; --livr: #c4511d;
      --image: #7ba05b; font-family: system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #171614;
        --ink: #ebe7df; --muted: #a09a8f; --rule: #38352f; --sft: #78acdf; --livr: #f08c57;
        --image: #8fb573; }
}
text { fill: var(--ink); font-size: 14px; }
.paper { fill: var(--paper); } .head { font-size: 17px; font-weight: 600; }
.small { fill: var(--muted); font-size: 12.5px; }
.arc { fill: none; stroke-width: 2.2; } .cut { stroke: var(--rule); stroke-dasharray: 4 5; }
.box { fill: none; stroke: var(--rule); stroke-width: 1.5; }
.mask text { font-size: 10.5px; fill: var(--muted); }
.shut { fill: var(--rule); opacity: 0.45; } .image { fill: var(--image); }
.prompt { fill: var(--sft); } .latent { fill: var(--livr); } .answer { fill: var(--ink); }
"""
CENTRES = {Role.IMAGE: 55, Role.PROMPT: 185, Role.LATENT: 300, Role.ANSWER: 390}
COLOURS = {Role.IMAGE: "--image", Role.PROMPT: "--sft", Role.LATENT: "--livr"}
ROADS = (
    (Role.IMAGE, Role.PROMPT),
    (Role.IMAGE, Role.LATENT),
    (Role.IMAGE, Role.ANSWER),
    (Role.PROMPT, Role.LATENT),
    (Role.PROMPT, Role.ANSWER),
    (Role.LATENT, Role.ANSWER),
)
BASE = 168


def question() -> Example:
    """The third test question of the counting task, seed 0."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "counting"
        build_task("counting", "pool", folder, {"test": 12}, seed=0)
        example = load_split(folder, "test")[2]
        return example.model_copy(update={"images": (data_uri(example.images[0]),)})


def arcs(rule: Policy) -> str:
    """Who is looked at by whom: an arc from key to query, dashed where the rule forbids it."""
    parts = []
    for key, query in ROADS:
        x0, x1 = CENTRES[key] + 10, CENTRES[query] - 4 * (query - key)
        height = BASE - 14 - 0.36 * (x1 - x0)
        shut = (query, key) in rule.hidden
        look = 'class="arc cut"' if shut else f'class="arc" stroke="var({COLOURS[key]})"'
        parts.append(f'<path {look} d="M{x0} {BASE} C{x0} {height} {x1} {height} {x1} {BASE}"/>')
        if not shut:
            parts.append(f'<circle cx="{x1}" cy="{BASE}" r="3.2" fill="var({COLOURS[key]})"/>')
    return "".join(sorted(parts, key=lambda part: "cut" not in part))


def sequence(example: Example) -> str:
    """The prompt as four blocks: image, question, latents, answer."""
    words = example.question.split("?")[0].split()
    lines = [" ".join(words[:3]), " ".join(words[3:6]), " ".join(words[6:]) + "?"]
    text = "".join(
        f'<text x="185" y="{202 + 20 * i}" text-anchor="middle">{line}</text>'
        for i, line in enumerate(lines)
    )
    dots = "".join(
        f'<circle class="latent" cx="{276 + 16 * i}" cy="217" r="5.5"/>' for i in range(4)
    )
    return (
        f'<image href="{example.images[0]}" x="5" y="176" width="100" height="92"'
        ' preserveAspectRatio="xMidYMid slice"/>'
        f'<rect class="box" x="118" y="176" width="134" height="92" rx="6"/>{text}'
        f'<rect class="box" x="262" y="176" width="76" height="92" rx="6"/>{dots}'
        '<text class="small" x="300" y="248" text-anchor="middle">K latents</text>'
        '<rect class="box" x="360" y="176" width="58" height="92" rx="6"/>'
        f'<text class="head" x="389" y="222" text-anchor="middle">{example.answer}</text>'
        '<text class="small" x="389" y="248" text-anchor="middle">answer</text>'
    )


def panel(x: int, head: str, line: str, rule: Policy, example: Example) -> str:
    """One stage: title, road, mask."""
    place = '<svg class="mask" x="30" y="296" width="290" height="246"'
    drawn = mask(rule).replace('<svg class="mask" role="img"', place)
    return (
        f'<g transform="translate({x} 0)"><text class="head" x="5" y="24">{head}</text>'
        f'<text class="small" x="5" y="46">{line}</text>{arcs(rule)}{sequence(example)}{drawn}</g>'
    )


def main() -> None:
    """Write the picture."""
    example = question()
    left = panel(20, "Stage 1: the bottleneck", "The image reaches the answer through the latents.",
                 BOTTLENECK, example)  # fmt: skip
    right = panel(WIDTH - PANEL - 20, "Stage 2 and use: ordinary attention",
                  "All see what came before. The latents stay.", ORDINARY, example)  # fmt: skip
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -14 {WIDTH + 20} {HEIGHT + 20}" '
        f'role="img" aria-label="The two stages of LIVR"><style>{STYLE}</style>'
        f'<rect class="paper" x="-10" y="-14" width="100%" height="100%" rx="12"/>'
        f"{left}{right}</svg>\n"
    )
    Path(__file__).with_name("livr.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
