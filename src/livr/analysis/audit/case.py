"""The model under audit, its questions, and what several tests need of both."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livr.analysis.audit.finding import Verdict
from livr.analysis.inside.latents import Content, read
from livr.analysis.inside.questions import Questions
from livr.data.example import Example
from livr.data.prompts import render
from livr.evaluate.clustered import design_effect, share_interval, widened
from livr.evaluate.score import Prediction
from livr.evaluate.shared import Sources, sources_among
from livr.evaluate.stats import Interval, bootstrap
from livr.model.model import Use


@dataclass
class Case:
    """What is audited.

    Attributes:
        questions: The model and its questions.
        control: A latents-only run with the same questions, or None.
        baseline: A run without latents (direct SFT) with the same questions, or None.
        seed: Seed of every draw.
    """

    questions: Questions
    control: Questions | None = None
    baseline: Questions | None = None
    seed: int = 0
    _asked: dict[tuple[str, Use], list[Prediction]] = field(default_factory=dict)
    _read: dict[str, Content] = field(default_factory=dict)

    @property
    def examples(self) -> list[Example]:
        """The questions."""
        return self.questions.examples

    @property
    def sources(self) -> Sources:
        """The sources of each question; empty where they share none."""
        return sources_among(self.examples)

    def predictions(self, mask: str = "ordinary", latents: Use = "keep") -> list[Prediction]:
        """Judged answers; asked once."""
        if (mask, latents) not in self._asked:
            self._asked[mask, latents] = self.questions.answers(mask, latents)
        return self._asked[mask, latents]

    def right(self, mask: str = "ordinary", latents: Use = "keep") -> list[bool]:
        """Whether each question was answered right."""
        return [row.correct for row in self.predictions(mask, latents)]

    def content(self, mask: str = "ordinary") -> Content:
        """What the latents hold; read once."""
        if mask not in self._read:
            self._read[mask] = read(self.questions, mask)
        return self._read[mask]

    @property
    def chance(self) -> float:
        """Accuracy of always giving the most common right answer."""
        counts = Counter(e.answer for e in self.examples)
        return counts.most_common(1)[0][1] / len(self.examples)

    @property
    def interval(self) -> Interval:
        """Wilson's interval of the accuracy, for as many questions as these are worth."""
        return share_interval(self.right(), self.sources)

    def mean_interval(
        self, values_N: NDArray[np.floating[Any]], most: float | None = None
    ) -> Interval:
        """Bootstrap interval of a mean over the first N questions, by their sources.

        Args:
            values_N: One value per question.
            most: The largest value that there could be, the smallest being its negative. Half a
                question of each is drawn from besides, so that the interval has some width where
                all values are alike.
        """
        n, mean = len(values_N), float(values_N.mean())
        imagined = [] if most is None else [most / 2, -most / 2]
        apart_N = np.append(values_N - mean, imagined)
        drawn = bootstrap(
            lambda i: mean + float(apart_N[i].sum()) / n, len(apart_N), seed=self.seed
        )
        effect = design_effect(values_N.tolist(), sources_among(self.examples[:n]))
        return widened(drawn, mean, effect)

    @property
    def is_able(self) -> bool:
        """Whether the model answers better than chance, so that a fall could be seen at all."""
        return self.interval.low > self.chance

    def unless_unable(self, verdict: Verdict) -> Verdict:
        """A verdict on an effect; `unclear` for a model that is not better than chance."""
        return verdict if self.is_able else "unclear"


def form(example: Example) -> tuple[object, ...]:
    """Questions of one form differ in wording and content, not in shape."""
    return example.task, len(example.images), len(example.choices or ())


def partners(examples: Sequence[Example], seed: int, other_answer: bool = False) -> dict[int, int]:
    """For each question another one whose latents may stand in for its own.

    Partners share the wording of the question if possible, its form in any case. Images differ,
    and what they show too, if possible (`sources`). No example is the partner of many as long as
    others will do.

    Args:
        examples: The questions.
        seed: Seed of the choice.
        other_answer: Whether the partner must have another right answer.

    Returns:
        Question index to partner index; questions without a partner are missing.
    """
    same_text: dict[tuple[object, ...], list[int]] = defaultdict(list)
    same_form: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        same_text[(*form(example), render(example))].append(i)
        same_form[form(example)].append(i)
    rng = random.Random(seed)
    found: dict[int, int] = {}
    used: Counter[int] = Counter()

    def fits(i: int, j: int) -> bool:
        alike = other_answer and examples[j].answer == examples[i].answer
        return j != i and examples[j].images != examples[i].images and not alike

    for i in rng.sample(range(len(examples)), len(examples)):
        example = examples[i]
        for group in (same_text[(*form(example), render(example))], same_form[form(example)]):
            fit = [j for j in group if fits(i, j)]
            apart = [j for j in fit if not set(examples[j].sources) & set(example.sources)]
            if best := apart or fit:
                least = min(used[j] for j in best)
                found[i] = rng.choice([j for j in best if used[j] == least])
                used[found[i]] += 1
                break
    return found
