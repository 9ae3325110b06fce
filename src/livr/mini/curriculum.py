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
from livr.mini.pixels import patches
from livr.mini.shape import MiniShape
from livr.mini.skills import boxes, compare, links, pieces, single
from livr.mini.skills.base import Ask, Draft, lettered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LENGTHS = {1: 150, 2: 220, 3: 290}
"""Positions of a sequence by its number of pictures."""
AMOUNTS = ("count", "count_color", "present")
"""What the world of things without marks is about."""
LETTERED = 0.2
"""Share of the questions asked as multiple choice, where they can be."""
LINKED = 0.2
"""Share of the sequences that are ordinary conversations, each turn seeing the earlier ones."""


def _scene(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets)
    asks = single.ask_objects(rng, scene) + single.ask_marks(rng, scene)
    return Draft([scene.image], asks)


def _things(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = single.compose(rng, assets, marks=0)
    asks = [ask for ask in single.ask_objects(rng, scene) if ask.skill in AMOUNTS]
    return Draft([scene.image], asks)


def _boxes(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene = boxes.boxed_scene(rng, assets)
    return Draft([scene.image], boxes.ask_boxes(rng, scene))


def _shade(rng: random.Random, assets: Assets, count: int) -> Draft:
    scene, asks = single.ask_shade(rng, assets)
    return Draft([scene.image], asks)


World = Callable[[random.Random, Assets, int], Draft]

WORLDS: dict[str, tuple[World, tuple[int, ...]]] = {
    "scene": (_scene, (1,)),
    "things": (_things, (1,)),
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


@dataclass(frozen=True)
class Lesson:
    """One training sequence. T positions, A answers.

    Attributes:
        ids_T: Token ids.
        labels_T: The token itself where it is supervised, else -100.
        answer_T: Number of the answer a supervised token belongs to, else -1.
        turn_T: 0 for the pictures' prefix, k for turn k, -1 for padding. A position sees
            its own turn and the prefix; ordinary conversations are all 0.
        positions_3T: Rotary positions (time, row, column).
        pixels: Patches of every picture.
        grids: (1, rows, columns) of every picture, in patches.
        skills: Skill of every answer.
    """

    ids_T: NDArray[np.int64]
    labels_T: NDArray[np.int64]
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


def draft(
    rng: random.Random, assets: Assets, count: int, weights: dict[str, float]
) -> tuple[Draft, list[Ask]]:
    """Render pictures and choose the order and the form of their questions.

    Args:
        count: Number of pictures.
        weights: World -> weight; worlds that cannot make `count` pictures are left out.
    """
    names = [n for n, (_, counts) in WORLDS.items() if count in counts and weights.get(n, 0) > 0]
    asks: list[Ask] = []
    while not asks:
        name = rng.choices(names, [weights[n] for n in names])[0]
        made = WORLDS[name][0](rng, assets, count)
        asks = made.asks
    order = rng.sample(asks, len(asks))
    seen: set[str] = set()
    chosen = []
    for ask in order:
        if ask.question in seen:
            continue
        seen.add(ask.question)
        use_letters = len(ask.options) > 1 and rng.random() < LETTERED
        chosen.append(lettered(rng, ask) if use_letters else ask)
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
        labels, answers, turns = [-100] * len(ids), [-1] * len(ids), [0] * len(ids)
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
            labels += [-100] * len(lead) + answer
            answers += [-1] * len(lead) + [number] * len(answer)
            turns += [0 if linked else number + 1] * len(new)
            positions += [(start + i,) * 3 for i in range(len(new))]
            at = start + len(new)
            skills.append(ask.skill)
        pad = length - len(ids)
        ids += [s["<|endoftext|>"]] * pad
        labels += [-100] * pad
        answers += [-1] * pad
        turns += [-1] * pad
        positions += [(0, 0, 0)] * pad
        return Lesson(
            np.array(ids),
            np.array(labels),
            np.array(answers),
            np.array(turns),
            np.array(positions).T,
            [p for p, _, _ in cut],
            grids,
            skills,
        )


def sequence(
    packer: Packer,
    assets: Assets,
    weights: dict[str, float],
    shares: Sequence[float],
    place: tuple[int, int, int],
) -> Lesson:
    """The training sequence at (seed, step, index)."""
    seed, step, index = place
    rng = generator(seed, step, index)
    count = images_at(seed, step, shares)
    made, asks = draft(rng, assets, count, weights)
    return packer.pack(made, asks, LENGTHS[count], rng.random() < LINKED)
