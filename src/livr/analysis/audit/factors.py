"""(h) Known factors of a picture, count, class and position: which states hold them? (ours)

The probes of `probes`, on pictures whose factors are known because they were composed or marked by
program. Under the bottleneck the question's own states are blind, so what a probe finds in the
latents has come through them. A model need not hold a factor that its task does not ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding
from livr.analysis.audit.probes import FEWEST, FOLDS, read_off
from livr.analysis.in_print import percent
from livr.analysis.inside.questions import Questions
from livr.analysis.inside.states import read_states
from livr.analysis.regions import MARKED_TASKS, Mask, counted_objects, drawn_marks
from livr.data.example import Example
from livr.data.pool.counts import PLURAL
from livr.data.prompts import TEMPLATES
from livr.model.encoder import read_image

PICTURES = 120
"""Composed pictures for models of the counting task."""
RULE = "bottleneck"


@dataclass(frozen=True)
class Factor:
    """Something about pictures that is known without a model.

    Attributes:
        name: `count`, `class` or `position`.
        what: What it is, in words.
        examples: The questions in whose states it is looked for.
        labels: Its value for each.
    """

    name: str
    what: str
    examples: Sequence[Example]
    labels: list[str]


def composed(seed: int) -> list[Factor]:
    """Count, class and position of the objects in composed counting pictures.

    For the class all pictures are asked about in the same words, which do not give it away.
    """
    examples, regions = counted_objects(PICTURES, seed)
    wording = {TEMPLATES["counting"].format(label=name): kind for kind, name in PLURAL.items()}
    kinds = [wording[e.question] for e in examples]
    same = [e.model_copy(update={"question": next(iter(wording))}) for e in examples]
    masks = [regions[e.id][0] for e in examples]
    return [
        Factor("count", "number of objects", examples, [e.answer for e in examples]),
        Factor("class", f"{' or '.join(sorted(set(kinds)))}; one wording for all", same, kinds),
        Factor("position", "objects left or right", examples, sides([centre(m) for m in masks])),
    ]


def marked(examples: Sequence[Example]) -> list[Factor]:
    """Position of the drawn marks in the last picture of marked tasks."""
    found = []
    for example in examples:
        if example.task in MARKED_TASKS:
            mask = drawn_marks(read_image(example.images[-1], example.id))
            if mask is not None:
                found.append((example, centre(mask)))
    if len(found) < FEWEST:
        return []
    labels = sides([x for _, x in found])
    return [Factor("position", "marks left or right", [e for e, _ in found], labels)]


def centre(mask_HW: Mask | None) -> float:
    """Where a region lies across the picture: 0 left, 1 right."""
    assert mask_HW is not None
    across = float(np.nonzero(mask_HW)[1].mean())
    return across / int(mask_HW.shape[1])


def sides(places: Sequence[float]) -> list[str]:
    """`left` or `right` of the middle one, so that both are about as frequent.

    >>> sides([0.2, 0.9, 0.6, 0.1])
    ['left', 'right', 'right', 'left']
    """
    middle = median(places)
    return ["left" if place < middle else "right" for place in places]


def run(case: Case) -> list[Finding]:
    """One finding per factor; none for tasks whose pictures have no known ones."""
    factors = marked(case.examples)
    if any(e.task == "counting" for e in case.examples):
        factors += composed(case.seed)
    asked: dict[tuple[str, ...], Questions] = {}
    findings = []
    for factor in factors:
        if min(Counter(factor.labels).values()) < FOLDS:
            continue
        key = tuple(f"{e.id} {e.question}" for e in factor.examples)
        if key not in asked:
            asked[key] = case.questions.with_examples(factor.examples)
        findings.append(_finding(case, factor, asked[key]))
    return findings


def _finding(case: Case, factor: Factor, questions: Questions) -> Finding:
    n = len(factor.labels)
    states = read_states(questions, RULE)
    reading = read_off(states, factor.labels, factor.examples, range(n), case.seed)
    return Finding(
        name=f"factors.{factor.name}",
        claim=f"What the latents hold of the picture: {factor.name}.",
        done=f"Linear probes for {factor.what} ({len(set(factor.labels))} classes), {FOLDS}-fold "
        f"cross-validated, on states as the last layer reads them; {RULE} rule. Control: the same "
        "on shuffled labels.",
        measured=f"{reading.words()}; latents with shuffled labels {reading.shuffled()}, most "
        f"common label {percent(reading.common)}",
        healthy="no range; interval: latents above the larger of shuffled and most common",
        verdict="info",
        n=n,
        value=reading.gain,
        interval=reading.interval,
        details=reading.found | {"chance": reading.by_chance},
    )
