"""MMVP: the same question about two pictures that look alike. A test set, public only.

Construction (METHOD.md section 4: a test of models trained on Visual-CoT): question, options in
their published order, answer as published. The question's own words stay as they are; the list of
choices is in the form of all tasks here (ours).

MMVP's authors count a pair only if both of its questions are right. A built set therefore holds
whole pairs only, one after the other, each a score group: `livr eval` reports accuracy by question
and, beside it, by pair. METHOD does not say which of the two the paper reports; the 71.7 it gives
for LVR fits 215 of 300 questions, but no number of 150 pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from livr.data.sources import mmvp
from livr.data.tasks.base import Built, Request, Task, readable
from livr.errors import DataError


@dataclass(frozen=True)
class MmvpConfig:
    """Nothing to set."""


def build(request: Request, config: MmvpConfig) -> Iterator[Built]:
    """Yields both questions of every pair, pairs drawn uniformly, in their published order.

    Raises:
        DataError: Fewer than two questions are wanted.
    """
    if request.count < 2:
        raise DataError("the questions of mmvp come in pairs; give --test 2 or more")
    pairs = _pairs(request)
    drawn = request.rng.sample(range(len(pairs)), min(len(pairs), request.count // 2))
    for row in (row for index in sorted(drawn) for row in pairs[index]):
        path = request.folder / row.key
        yield Built(
            images=(path,),
            question=row.question,
            choices=row.choices,
            answer=row.answer,
            groups=(row.key,),
            score_group=f"mmvp-pair-{row.pair:03d}",
        )


def _pairs(request: Request) -> list[list[mmvp.MmvpRow]]:
    """The whole pairs, by number."""
    found: dict[int, list[mmvp.MmvpRow]] = {}
    for row in mmvp.read_rows(request.folder, request.drops):
        if readable(request.folder / row.key):
            found.setdefault(row.pair, []).append(row)
        else:
            request.drops["image unreadable"] += 1
    alone = sum(len(rows) == 1 for rows in found.values())
    if alone:
        request.drops["the other question of its pair is left out"] += alone
    whole = [found[pair] for pair in sorted(found) if len(found[pair]) == 2]
    return [sorted(rows, key=lambda row: row.number) for rows in whole]


TASK = Task(
    name="mmvp",
    section="4.2 (further benchmarks)",
    source=mmvp.INFO,
    chance=1 / 2,
    answer_form="letter",
    paper=MmvpConfig(),
    pool=MmvpConfig(),
    build=build,
    splits=("test",),
)
