"""Semantic correspondence: find the same part on another object of the kind. Four choices.

Construction (METHOD.md section 3, paper appendix A): SPair-71k (trn) pairs with at least four
common keypoints; REF marks one on the source, A to D mark it and three others on the target.
Ours: marked points keep a small distance, otherwise their letters could not be read; on the
embedded pictures the places of the points do not tell the answer (`Balance`).
"""

from __future__ import annotations

from collections.abc import Iterator

from livr.data.sources import spair
from livr.data.tasks.base import Built, Request, Task, letters
from livr.data.tasks.keypoint_question import CHOICES, KeypointConfig, KeypointPair, make_question


def build(request: Request, config: KeypointConfig) -> Iterator[Built]:
    """Yields one question per pair."""
    names = spair.read_pair_names(request.folder, request.split, request.seed)
    request.rng.shuffle(names)
    answers = letters(CHOICES, request.count, request.rng)
    balance = config.balance(request.count)
    for name in names:
        if not answers:
            return
        pair = spair.read_pair(request.folder, name)
        common = [key for key in pair.source_points if key in pair.target_points]
        if len(common) < CHOICES:
            request.drops["fewer than four common keypoints"] += 1
            continue
        points = KeypointPair(
            pair.source,
            pair.target,
            [pair.source_points[key] for key in common],
            [pair.target_points[key] for key in common],
            name.keys,
        )
        question = request.question()
        built = make_question(request, config, points, question, answers[-1], balance)
        if built is not None:
            answers.pop()
            yield built


TASK = Task(
    name="semantic_correspondence",
    section="4.1, appendix A",
    source=spair.INFO,
    chance=1 / CHOICES,
    answer_form="letter",
    paper=KeypointConfig(),
    pool=KeypointConfig(long_side=160, apart=0.09, balanced=True),
    build=build,
    cues=("point_distance_to_ref",),
)
