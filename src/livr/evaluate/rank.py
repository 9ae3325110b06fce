"""The likeliest of the known answers, in place of the one that a model writes (ours).

A model that was never trained on a task may see the answer and not know in which words to give it.
Ranked, its form cannot be wrong: what is left is what it sees.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

from livr.data.example import LETTERS, Example
from livr.data.store import load_split, stored_splits
from livr.errors import ConfigError
from livr.evaluate.answers import form_of
from livr.model.model import Model, Use

MOST = 100
"""Most answers that a question is ranked among (ours). More than these are no closed set."""


def known_answers(examples: Sequence[Example], data: Path) -> list[tuple[str, ...]]:
    """The answers that each question's is ranked among.

    Of multiple choice the letters. Of open questions the answers of the task's training
    questions, which nobody needs a test set to know; without a training split those of `examples`.

    Args:
        examples: The questions.
        data: Their data set folder.

    Raises:
        ConfigError: A question has a board, so that many paths are right, or its task more than
            `MOST` answers.
    """
    known = load_split(data, "train") if "train" in stored_splits(data) else examples
    spellings: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for example in known:
        read = form_of(example).read(example.answer, example)
        spellings[example.task][read or example.answer][example.answer] += 1
    answers = {
        task: tuple(sorted(max(c, key=lambda text: (c[text], text)) for c in found.values()))
        for task, found in spellings.items()
    }
    return [_of(example, answers.get(example.task, ())) for example in examples]


def _of(example: Example, of_task: tuple[str, ...]) -> tuple[str, ...]:
    if example.board is not None:
        raise ConfigError(
            f"question {example.id} has a board, where more than one path may be right: its "
            "answers cannot be ranked; leave out --rank"
        )
    if example.choices is not None:
        return tuple(LETTERS[: len(example.choices)])
    if not 2 <= len(of_task) <= MOST:
        raise ConfigError(
            f"task {example.task}: its questions have {len(of_task):,} different answers; to rank "
            f"them takes 2 to {MOST}; leave out --rank"
        )
    return of_task


def likeliest(
    model: Model,
    examples: Sequence[Example],
    known: Sequence[tuple[str, ...]],
    mask: str,
    latents: Use,
    batch_size: int,
    on_progress: Callable[[int], None],
) -> list[str]:
    """The answer of each question that the model would write most probably.

    Args:
        model: The model.
        examples: The questions.
        known: The answers of each, see `known_answers`.
        mask: Attention rule by name.
        latents: Which latents the prompt carries.
        batch_size: Pairs of question and answer per forward pass.
        on_progress: Called with the number of questions just answered.
    """
    ends = list(accumulate(map(len, known)))
    weighed = 0

    def count(pairs: int) -> None:
        nonlocal weighed
        before, weighed = bisect_right(ends, weighed), weighed + pairs
        on_progress(bisect_right(ends, weighed) - before)

    scores = model.log_likelihoods(
        examples, known, mask, latents, batch_size=batch_size, on_progress=count
    )
    return [several[int(s.argmax())] for several, s in zip(known, scores, strict=True)]
