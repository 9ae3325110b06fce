"""(h) Is the answer there to be read, linearly, in latent, image and text states? (ours)

A linear classifier is trained on states to give the right answer: a count, a class, a position.
Under the bottleneck the question's own states cannot know the image, so a probe on them must
fail; that is a check of the method as well as of the model. The same probe trained on shuffled
answers tells what it would reach by chance.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from livr.analysis.audit.case import Case, form
from livr.analysis.audit.finding import Finding, judge_effect
from livr.analysis.in_print import percent
from livr.analysis.inside.states import States, read_states
from livr.data.example import Example
from livr.evaluate.clustered import linked, share_interval
from livr.evaluate.shared import sources_among
from livr.evaluate.stats import Interval

FOLDS, WIDTH, SHUFFLES = 5, 32, 5
"""Cross-validation folds, principal components kept, shuffled controls."""
FEWEST = 40
Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
RULES = ("bottleneck", "ordinary")


def folds(labels: Sequence[str], examples: Sequence[Example], seed: int) -> Folds:
    """Pairs of questions to train on and to test on.

    No source is in both, so that no probe can know a photograph again, and its answer with it.
    By question where sources do not fall into enough groups that have nothing in common.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    options = {"n_splits": FOLDS, "shuffle": True, "random_state": seed}
    blank = np.zeros(len(labels))
    sources = sources_among(examples)
    groups = linked(sources) if sources else ()
    if len(set(groups)) >= FOLDS:
        found = list(StratifiedGroupKFold(**options).split(blank, labels, groups))
        if all(len(test) and len({labels[i] for i in train}) > 1 for train, test in found):
            return found
    return list(StratifiedKFold(**options).split(blank, labels))


def hits(features_ND: Tensor, labels: list[str], within: Folds, seed: int) -> NDArray[np.bool_]:
    """Whether a cross-validated probe gives each label."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = features_ND.double().numpy(), np.array(labels)
    width = min(WIDTH, x.shape[1], min(len(train) for train, _ in within) - 1)
    probe = make_pipeline(
        StandardScaler(),
        PCA(width, random_state=seed),
        StandardScaler(),
        LogisticRegression(C=0.1, max_iter=500),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # states without any spread, as of a blind question
        predicted = cross_val_predict(probe, x, y, cv=within)
    right: NDArray[np.bool_] = predicted == y
    return right


def probe(
    features_ND: Tensor, labels: list[str], examples: Sequence[Example], seed: int
) -> dict[str, Any]:
    """Accuracy of a probe with its interval, and of probes on shuffled labels."""
    right = hits(features_ND, labels, folds(labels, examples, seed), seed)
    rng = np.random.default_rng(seed)
    shuffled = []
    for _ in range(SHUFFLES):
        mixed = [str(x) for x in rng.permutation(labels)]
        shuffled.append(float(hits(features_ND, mixed, folds(mixed, examples, seed), seed).mean()))
    interval = share_interval(right.tolist(), sources_among(examples))
    return {
        "accuracy": float(right.mean()),
        "ci95": [interval.low, interval.high],
        "random_label": float(np.mean(shuffled)),
        "random_label_max": max(shuffled),
    }


@dataclass(frozen=True)
class Reading:
    """What probes on latent, image and text states reach for the same labels.

    Attributes:
        found: What `probe` found, for `latents`, `image` and `text`.
        common: Share of the most common label.
    """

    found: dict[str, dict[str, Any]]
    common: float

    @property
    def by_chance(self) -> float:
        """What the latents' probe has to beat: shuffled labels and the most common one."""
        return max(float(self.found["latents"]["random_label"]), self.common)

    @property
    def gain(self) -> float:
        """How far the latents' probe is above that."""
        return float(self.found["latents"]["accuracy"]) - self.by_chance

    @property
    def interval(self) -> Interval:
        """The interval of the gain."""
        low, high = self.found["latents"]["ci95"]
        return Interval(low - self.by_chance, high - self.by_chance)

    def words(self) -> str:
        """For print."""
        return ", ".join(f"{name} {percent(x['accuracy'])}" for name, x in self.found.items())

    def shuffled(self) -> str:
        """What the latents' probe reaches on shuffled labels, for print."""
        return percent(self.found["latents"]["random_label"])


def read_off(
    states: States, labels: list[str], examples: Sequence[Example], index: Sequence[int], seed: int
) -> Reading:
    """Probe all three kinds of states of the same questions.

    Args:
        states: States of N questions.
        labels: What is to be read off, for those in `index`.
        examples: The questions in `index`.
        index: Which of the N questions take part.
        seed: Seed of folds and shuffles.
    """
    sources = {
        "latents": states.latents_NKD.flatten(1),
        "image": states.image_ND,
        "text": states.text_ND,
    }
    rows = list(index)
    found = {name: probe(x_ND[rows], labels, examples, seed) for name, x_ND in sources.items()}
    return Reading(found, Counter(labels).most_common(1)[0][1] / len(labels))


def run(case: Case) -> list[Finding]:
    """Probes for the answer under both rules."""
    index, labels = _largest_form(case)
    classes = sorted(set(labels))
    if len(labels) < FEWEST or len(classes) < 2:
        found = (
            f"{len(labels)} questions of one form whose answer is there {FOLDS} times or more; "
            f"{len(classes)} such answers"
        )
        claim, needed = (
            "The answer can be read from the latents.",
            f"{FEWEST} questions and 2 answers",
        )
        return [Finding.too_few("probes", claim, found, needed, len(labels))]
    return [_finding(case, mask, index, labels) for mask in RULES]


def _largest_form(case: Case) -> tuple[list[int], list[str]]:
    """Questions of the most frequent form, answers that are too rare left out."""
    forms = [form(e) for e in case.examples]
    most = Counter(forms).most_common(1)[0][0]
    index = [i for i, f in enumerate(forms) if f == most]
    counts = Counter(case.examples[i].answer for i in index)
    index = [i for i in index if counts[case.examples[i].answer] >= FOLDS]
    return index, [case.examples[i].answer for i in index]


def _finding(case: Case, mask: str, index: list[int], labels: list[str]) -> Finding:
    asked = [case.examples[i] for i in index]
    reading = read_off(read_states(case.questions, mask), labels, asked, index, case.seed)
    return Finding(
        name="probes" + ("" if mask == "bottleneck" else f".{mask}"),
        claim=("Under the bottleneck" if mask == "bottleneck" else "In use")
        + ", the right answer can be read from the latents.",
        done=f"Linear probes for the answer ({len(set(labels))} classes), {FOLDS}-fold "
        f"cross-validated, on states as the last layer reads them; {mask} rule. Control: the same "
        "on shuffled answers.",
        measured=f"{reading.words()}; latents with shuffled answers {reading.shuffled()}",
        healthy="latents above the larger of shuffled and most common answer"
        + ("; text is blind here: what it tells the wording does" if mask == "bottleneck" else ""),
        verdict=judge_effect(reading.interval),
        n=len(labels),
        value=reading.gain,
        interval=reading.interval,
        details=reading.found | {"chance": reading.by_chance},
    )
