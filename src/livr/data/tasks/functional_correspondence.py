"""Functional correspondence: find the part that plays the same role in an action. Four choices.

Construction (METHOD.md section 3, paper appendix A): FunKPoint pictures are split 80/10/10,
balanced per action; disjoint pairs of the same action; one of the five functional keypoints is
REF on the source, A to D mark it and three others on the target. Ours: a picture is in one pair
only, and two pictures made from the same original are no pair; on the embedded pictures the
places of the points do not tell the answer (`Balance`).
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from livr.data.sources import funkpoint
from livr.data.sources.folder import read_splits_file
from livr.data.tasks.base import Built, Request, Task, letters
from livr.data.tasks.drawing import Point
from livr.data.tasks.keypoint_question import CHOICES, KeypointConfig, KeypointPair, make_question


def build(request: Request, config: KeypointConfig) -> Iterator[Built]:
    """Yields one question per disjoint pair, the actions in turn."""
    answers = letters(CHOICES, request.count, request.rng)
    balance = config.balance(request.count)
    for first, second in _pairs(request):
        if not answers:
            return
        sides = [_in_px(item) for item in (first, second)]
        if sides[0] is None or sides[1] is None:
            request.drops["image missing or unreadable"] += 1
            continue
        pair = KeypointPair(first.path, second.path, sides[0], sides[1], (first.key, second.key))
        question = request.question(action=first.action)
        built = make_question(request, config, pair, question, answers[-1], balance)
        if built is not None:
            answers.pop()
            yield built


def _pairs(request: Request) -> Iterator[tuple[funkpoint.Labelled, funkpoint.Labelled]]:
    """Deals disjoint same-action pairs until the actions are used up."""
    decks = funkpoint.read_labels(request.folder, request.split, request.seed, request.drops)
    origin = read_splits_file(request.folder)
    groups = origin.groups if origin else {}
    used: set[str] = set()
    for deck in decks.values():
        request.rng.shuffle(deck)
    while decks:
        for action in list(decks):
            deck = [item for item in decks[action] if item.key not in used]
            first = deck.pop() if deck else None
            own = set(groups.get(first.key, (first.key,))) if first else set()
            second = next(
                (item for item in reversed(deck) if not own & {*groups.get(item.key, (item.key,))}),
                None,
            )
            if first is None or second is None:
                del decks[action]
                continue
            used.update((first.key, second.key))
            deck.remove(second)
            decks[action] = deck
            yield first, second


def _in_px(item: funkpoint.Labelled) -> list[Point] | None:
    try:
        with Image.open(item.path) as image:
            width, height = image.size
    except OSError:
        return None
    return [(x * width, y * height) for x, y in item.points]


TASK = Task(
    name="functional_correspondence",
    section="4.1, appendix A",
    source=funkpoint.INFO,
    chance=1 / CHOICES,
    answer_form="letter",
    paper=KeypointConfig(),
    pool=KeypointConfig(long_side=160, apart=0.08, balanced=True),
    build=build,
    cues=("point_distance_to_ref",),
)
