"""The curriculum: from (seed, step, index) to one training sequence, with nothing stored.

A sequence is one conversation about one to three pictures with as many short questions as fit.
Most conversations hide the turns from each other, so that every answer must come from the
pictures and each turn looks like a first turn; the others are ordinary conversations.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livr.mini.assets import Assets
from livr.mini.phases import Phase
from livr.mini.pixels import patches
from livr.mini.shape import MiniShape
from livr.mini.skills import boxes, compare, links, pieces, single
from livr.mini.skills.base import Ask, Draft, behind_letters

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LENGTHS = {1: 150, 2: 220, 3: 290}
"""Positions of a sequence by its number of pictures."""
AMOUNTS = ("total", "count", "count_color", "present")
"""What the world of things without marks is about."""
HINTS = 2
"""Last tokens of a question that are to predict the answer's first token as well. The road from
the picture to the answer is then learnt in short stretches."""
LINKED = 0.2
"""Share of the sequences that are ordinary conversations, each turn seeing the earlier ones."""


World = Callable[[random.Random, Assets, int], Draft]


def _scene(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets)
    asks = single.ask_objects(rng, scene) + single.ask_marks(rng, scene)
    return Draft([scene.image], asks)


def _things(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets, marks=0)
    return Draft([scene.image], single.ask_objects(rng, scene))


def _marks(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets, marks=rng.choice((3, 4)))
    return Draft([scene.image], single.ask_marks(rng, scene))


def _only(make: World, *skills: str) -> World:
    def some(rng: random.Random, assets: Assets, count: int) -> Draft:
        made = make(rng, assets, count)
        return Draft(made.images, [ask for ask in made.asks if ask.skill in skills])

    return some


def _boxes(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = boxes.boxed_scene(rng, assets)
    return Draft([scene.image], boxes.ask_boxes(rng, scene))


def _shade(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene, asks = single.ask_shade(rng, assets)
    return Draft([scene.image], asks)


WORLDS: dict[str, tuple[World, tuple[int, ...]]] = {
    "scene": (_scene, (1,)),
    "things": (_only(_things, *AMOUNTS), (1,)),
    "marks": (_marks, (1,)),
    "boxes": (_boxes, (1,)),
    "shade": (_shade, (1,)),
    "scenes": (compare.several_scenes, (2, 3)),
    "styles": (compare.styles, (1, 2, 3)),
    "kinds": (compare.kinds, (1, 2, 3)),
    "alike": (compare.alike, (2, 3)),
    "crops": (pieces.crops, (2, 3)),
    "gaps": (pieces.gaps, (2, 3)),
    "neighbours": (pieces.neighbours, (2, 3)),
    "spots": (pieces.spots, (2,)),
    "parts": (links.same_part, (2,)),
    "zoom": (pieces.zoom, (2,)),
}
"""Name -> (renderer, numbers of pictures it can make)."""

SPOTLIGHTS: dict[str, tuple[World, tuple[int, ...]]] = {
    "places": (_only(_marks, "mark_place"), (1,)),
    "colors": (_only(_marks, "color_at"), (1,)),
    "look_ups": (_only(_marks, "mark_place", "color_at", "at"), (1,)),
    "totals": (_only(_things, "total"), (1,)),
    "amounts": (_only(_things, "total", "count"), (1,)),
    "fits": (_only(_boxes, "box_tight", "box_better", "box_size"), (1,)),
    "darker": (_only(_marks, "darker", "order"), (1,)),
    "same_spot": (_only(pieces.spots, "link_spot", "same_spot"), (2,)),
    "same_part": (_only(links.same_part, "link_part"), (2,)),
    "same_style": (_only(compare.styles, "style", "same_style", "which_style"), (1, 2, 3)),
    "same_photo": (
        _only(compare.kinds, "same_photo", "which_photo", "same_kind", "which_kind"),
        (3,),
    ),
    "fills": (_only(pieces.gaps, "gap_fits", "gap_which"), (2, 3)),
}
"""One ability of a world at a time, for the phases in which it is first learnt."""


@dataclass(frozen=True)
class Lesson:
    """One training sequence. T positions, A answers.

    Attributes:
        ids_T: Token ids.
        targets_T: The token to predict at a position, -100 where nothing is supervised.
        answer_T: Number of the answer a target belongs to; -1 elsewhere and at hints.
        turn_T: 0 for the pictures' prefix, k for turn k, -1 for padding. A position sees
            its own turn and the prefix; ordinary conversations are all 0.
        positions_3T: Rotary positions (time, row, column).
        pixels: Patches of every picture.
        grids: (1, rows, columns) of every picture, in patches.
        skills: Skill of every answer.
    """

    ids_T: NDArray[np.int64]
    targets_T: NDArray[np.int64]
    answer_T: NDArray[np.int64]
    turn_T: NDArray[np.int64]
    positions_3T: NDArray[np.int64]
    pixels: list[NDArray[np.float32]]
    grids: list[tuple[int, int, int]]
    skills: list[str]


def generator(seed: int, step: int, index: int) -> random.Random:
    """The random state of one sequence."""
    return random.Random(f"{seed}/{step}/{index}")


def images_at(seed: int, step: int, shares: Sequence[float]) -> int:
    """Number of pictures of every sequence of a step: 1, 2 or 3."""
    return random.Random(f"{seed}/{step}").choices((1, 2, 3), shares)[0]


def draft(rng: random.Random, assets: Assets, count: int, phase: Phase) -> tuple[Draft, list[Ask]]:
    """Render `count` pictures and choose the order and the form of their questions.

    Worlds of the phase that cannot make so many pictures are left out.
    """
    worlds = phase.worlds
    known = WORLDS | SPOTLIGHTS
    names = [n for n, (_, counts) in known.items() if count in counts and worlds.get(n, 0) > 0]
    asks: list[Ask] = []
    while not asks:
        name = rng.choices(names, [worlds[n] for n in names])[0]
        made = known[name][0](rng, assets, count)
        asks = made.asks
    order = rng.sample(asks, len(asks))
    seen: set[str] = set()
    chosen = []
    for ask in order:
        if ask.question in seen:
            continue
        seen.add(ask.question)
        use_letters = len(ask.options) > 1 and rng.random() < phase.lettered
        chosen.append(behind_letters(rng, ask) if use_letters else ask)
    return made, chosen


class Packer:
    """Turns drafts into fixed-length token sequences.

    Args:
        tokenizer: The embedded model's tokenizer.
        numbers: The size of the model, which fixes the patches.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, numbers: MiniShape) -> None:
        from livr.mini.tokenizer import special_ids

        self.numbers = numbers
        self.encode = tokenizer.backend_tokenizer.encode_batch
        self.special = special_ids(tokenizer)

    def prefix(
        self, grids: Sequence[tuple[int, int, int]]
    ) -> tuple[list[int], list[tuple[int, int, int]]]:
        """Ids and rotary positions of the user header and the pictures."""
        s, merge = self.special, self.numbers.merge
        ids, positions, at = [s["<|user|>"]], [(0, 0, 0)], 1
        for _, rows, columns in grids:
            r, c = rows // merge, columns // merge
            ids += [s["<|vision_start|>"], *[s["<|image_pad|>"]] * (r * c), s["<|vision_end|>"]]
            positions.append((at, at, at))
            at += 1
            positions += [(at, at + i, at + j) for i in range(r) for j in range(c)]
            at += max(r, c)
            positions.append((at, at, at))
            at += 1
        return ids, positions

    def pack(self, made: Draft, asks: Sequence[Ask], length: int, linked: bool) -> Lesson:
        """Pack pictures and as many questions as fit into `length` positions."""
        cut = [patches(image.convert("RGB"), self.numbers) for image in made.images]
        grids = [(1, rows, columns) for _, rows, columns in cut]
        ids, positions = self.prefix(grids)
        base = positions[-1][0] + 1
        targets, answers, turns = [-100] * len(ids), [-1] * len(ids), [0] * len(ids)
        s, at = self.special, base
        skills: list[str] = []
        texts = self.encode([t for a in asks for t in (a.question, a.answer)])
        for k, ask in enumerate(asks):
            question, answer = texts[2 * k].ids, [*texts[2 * k + 1].ids, s["<|im_end|>"]]
            head = [s["<|user|>"]] if linked and skills else []
            lead = [*head, *question, s["<|assistant|>"]]
            if len(ids) + len(lead) + len(answer) > length:
                if length - len(ids) < 8:
                    break
                continue
            number = len(skills)
            start = at if linked else base
            new = [*lead, *answer]
            ids += new
            hints = min(HINTS, len(question))
            silent = len(lead) - 1 - hints
            targets += [-100] * silent + answer[:1] * hints + answer + [-100]
            answers += [-1] * (silent + hints) + [number] * len(answer) + [-1]
            turns += [0 if linked else number + 1] * len(new)
            positions += [(start + i,) * 3 for i in range(len(new))]
            at = start + len(new)
            skills.append(ask.skill)
        pad = length - len(ids)
        ids += [s["<|endoftext|>"]] * pad
        targets += [-100] * pad
        answers += [-1] * pad
        turns += [-1] * pad
        positions += [(0, 0, 0)] * pad
        return Lesson(
            np.array(ids),
            np.array(targets),
            np.array(answers),
            np.array(turns),
            np.array(positions).T,
            [p for p, _, _ in cut],
            grids,
            skills,
        )


def sequence(packer: Packer, assets: Assets, phase: Phase, place: tuple[int, int, int]) -> Lesson:
    """The training sequence at (seed, step, index) of a phase."""
    seed, step, index = place
    rng = generator(seed, step, index)
    count = images_at(seed, step, phase.shares)
    made, asks = draft(rng, assets, count, phase)
    return packer.pack(made, asks[: phase.questions], LENGTHS[count], rng.random() < LINKED)
