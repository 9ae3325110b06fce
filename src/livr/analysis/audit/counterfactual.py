"""(g) Pairs of pictures that differ in one object: does the answer change when it must? (ours)

Pictures are composed from the embedded test images. One object is added: the count must rise by
one. One is moved or recoloured: the count must stay. Only for models of the counting task.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, fall, judge_effect
from livr.analysis.in_print import percent
from livr.data.example import Example
from livr.data.pool.counts import PLURAL, SIDE
from livr.data.pool.scenes import Mask, background, backgrounds, cutouts, paste, vary
from livr.data.prompts import TEMPLATES
from livr.model.model import Use

PAIRS = 60
COUNTS = range(2, 7)
CHANGES = ("added", "moved", "recoloured")


@dataclass(frozen=True)
class Pair:
    """Two pictures that differ in one object.

    Attributes:
        first: A question about one.
        second: The same question about the other.
    """

    first: Example
    second: Example


def compose(change: str, seed: int, pairs: int = PAIRS) -> list[Pair]:
    """Pairs for one kind of change; the same for the same seed."""
    rng = random.Random(f"{change} {seed}")
    found: list[Pair] = []
    while len(found) < pairs:
        label = rng.choice(sorted(PLURAL))
        count = rng.choice(COUNTS)
        pictures = _pictures(change, label, count, rng)
        if pictures is not None:
            after = count + (change == "added")
            question = TEMPLATES["counting"].format(label=PLURAL[label])
            name = f"{change}-{len(found)}"
            first, second = (
                Example(
                    id=f"{name}-{part}",
                    task="counting",
                    images=(picture,),
                    question=question,
                    answer=str(answer),
                )
                for part, picture, answer in zip("ab", pictures, (count, after), strict=True)
            )
            found.append(Pair(first, second))
    return found


def _pictures(
    change: str, label: str, count: int, rng: random.Random
) -> tuple[Image.Image, Image.Image] | None:
    """Two pictures with `count` objects each, the second with one more if one is added."""
    base = rng.uniform(28, 38)
    first = background(rng.choice(backgrounds("test", label)), (SIDE, SIDE), rng)
    kinds = cutouts("test")[label]
    taken: list[Mask] = []
    item = vary(rng.choice(kinds), round(base), rng)
    others = count if change == "added" else count - 1
    for _ in range(others):
        if not paste(first, vary(rng.choice(kinds), round(base), rng), taken, rng):
            return None
    second, again = first.copy(), [mask.copy() for mask in taken]
    if change == "added":
        return (first, second) if paste(second, item, again, rng) else None
    place = rng.getrandbits(32)
    if not paste(first, item, taken, random.Random(place)):
        return None
    if change == "recoloured":
        item, again_at = recolour(item), place
    else:
        again_at = place + 1
    return (first, second) if paste(second, item, again, random.Random(again_at)) else None


def recolour(item: Image.Image) -> Image.Image:
    """Every hue turned by a third of the circle; shape and brightness stay."""
    hue, saturation, value = item.convert("RGB").convert("HSV").split()
    turned = hue.point(lambda h: (h + 85) % 256)
    result = Image.merge("HSV", (turned, saturation, value)).convert("RGB")
    result.putalpha(item.getchannel("A"))
    return result


def run(case: Case) -> list[Finding]:
    """Both answers of a pair right, with and without latents."""
    if not any(e.task == "counting" for e in case.examples):
        return []
    return [_finding(case, change) for change in CHANGES]


def _finding(case: Case, change: str) -> Finding:
    pairs = compose(change, case.seed)
    asked = case.questions.with_examples([e for p in pairs for e in (p.first, p.second)])
    both: dict[str, list[bool]] = {}
    arms: tuple[tuple[str, str, Use], ...] = (
        ("ordinary", "ordinary", "keep"),
        ("dropped", "ordinary", "drop"),
        ("bottleneck", "bottleneck", "keep"),
    )
    for name, mask, latents in arms:
        right = [row.correct for row in asked.answers(mask, latents)]
        both[name] = [a and b for a, b in zip(right[::2], right[1::2], strict=True)]
    found = fall(both["ordinary"], both["dropped"])
    shares = {name: sum(row) / len(pairs) for name, row in both.items()}
    must = "rise by one" if change == "added" else "stay"
    return Finding(
        name=f"counterfactual.{change}",
        claim="Answers follow the change of one object, and need the latents to do so.",
        done=f"{len(pairs)} pairs of composed pictures, one object {change}: the count must "
        f"{must}. Share of pairs with both answers right.",
        measured=", ".join(f"{name} {percent(share)}" for name, share in shares.items()),
        healthy="fewer without latents: interval of the fall above 0",
        verdict=case.unless_unable(judge_effect(found.interval)),
        n=len(pairs),
        value=found.size,
        interval=found.interval,
        details=shares,
    )
