"""A first lesson for the vision tower alone: name what lies in every cell of a picture.

Questions supervise a picture at a few points; a tower that starts from noise learns slowly from
them. Here every cell has labels (`livr.mini.cells`), and some pictures come in two views: the
cells of one are to be found again in the other.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from livr.mini.assets import Assets, load_assets
from livr.mini.backdrops import photo_crop, random_size
from livr.mini.cells import label_cells
from livr.mini.pixels import patches
from livr.mini.scene import Scene, blank
from livr.mini.shape import MiniShape
from livr.mini.skills.boxes import boxed_scene
from livr.mini.skills.links import FIGURES_WITH_PARTS, portrait
from livr.mini.skills.pieces import moved, paint_over, to_copy
from livr.mini.skills.single import ask_shade, compose, place_marks
from livr.mini.styles import STYLES, relit, restyle

IMAGES = 64
"""Pictures of a step."""
PAIRS = 8
"""How many of them, in twos, are views of the same."""


def labelled(rng: random.Random, assets: Assets) -> tuple[Scene, str | None]:
    """A scene to label, and its style where that is known."""
    draw = rng.random()
    if draw < 0.38:
        return compose(rng, assets), None
    if draw < 0.55:
        kind = rng.choice(("mouth", "tip", *FIGURES_WITH_PARTS))
        scene, _ = portrait(rng, assets, kind)
        place_marks(rng, scene, rng.randint(0, 4))
        return scene, None
    if draw < 0.78:
        return boxed_scene(rng, assets), None
    if draw < 0.83:
        return ask_shade(rng, assets)[0], None
    photo = rng.choice(assets.photos)
    scene = blank(photo_crop(rng, photo.image, random_size(rng)), photo.kind)
    scene.counted = False
    if draw < 0.89:
        scene.image, _, _ = paint_over(rng, scene.image)
        return scene, None
    style = rng.choice(STYLES)
    scene.image = scene.clean = restyle(rng, scene.image, style)
    return scene, style


def two_views(rng: random.Random, assets: Assets) -> tuple[Scene, Scene, tuple[float, ...]]:
    """A picture, another view of it in another light, and the map between their pixels."""
    if rng.random() < 0.3:
        scene = compose(rng, assets, marks=0)
    else:
        photo = rng.choice(assets.photos)
        scene = blank(photo_crop(rng, photo.image, random_size(rng)), photo.kind)
        scene.counted = False
    copy, back = moved(rng, scene)
    twin = blank(relit(rng, copy), scene.backdrop)
    twin.counted = False
    for one in (scene, twin):
        place_marks(rng, one, rng.choice((0, 1, 3, 4)))
    return scene, twin, back


def twin_cells(
    back: tuple[float, ...], sizes: tuple[tuple[int, int], ...], grid: tuple[int, int]
) -> NDArray[np.int64]:
    """The cell of the second view that shows what a cell of the first shows, -1 if none.

    Args:
        back: The map from the pixels of the second view to those of the first.
        sizes: (width, height) of both views.
        grid: (rows, columns) of cells, the same in both.
    """
    rows, columns = grid
    (w, h), (tw, th) = sizes
    found = np.full(rows * columns, -1, dtype=np.int64)
    for cell in range(rows * columns):
        row, column = divmod(cell, columns)
        x, y = to_copy(back, ((column + 0.5) * w / columns, (row + 0.5) * h / rows))
        if 0 <= x < tw and 0 <= y < th:
            found[cell] = int(y / th * rows) * columns + int(x / tw * columns)
    return found


@dataclass(frozen=True)
class DenseBatch:
    """One step: patches and grids of the pictures, labels of all their cells.

    Attributes:
        picture_N: Number of the picture that a cell belongs to.
        twin_N: Number of the cell that shows the same spot in another view, or -1.
    """

    pixels: Tensor
    grids: Tensor
    classes_NK: Tensor
    flags_NF: Tensor
    values_NV: Tensor
    picture_N: Tensor
    twin_N: Tensor


class DenseLessons(Dataset[DenseBatch]):
    """Steps of labelled pictures: the same seed and step give the same batch."""

    def __init__(self, numbers: MiniShape, seed: int) -> None:
        self.numbers, self.seed = numbers, seed
        self.assets: Assets | None = None

    def __getitem__(self, step: int) -> DenseBatch:
        if self.assets is None:
            torch.set_num_threads(1)
            self.assets = load_assets()
        drawn: list[tuple[Scene, str | None]] = []
        views: dict[int, tuple[float, ...]] = {}
        for i in range(IMAGES - PAIRS):
            rng = random.Random(f"dense/{self.seed}/{step}/{i}")
            if i < PAIRS:
                one, two, views[len(drawn)] = two_views(rng, self.assets)
                drawn += [(one, None), (two, None)]
            else:
                drawn.append(labelled(rng, self.assets))
        return self._batch(drawn, views)

    def _batch(
        self, drawn: list[tuple[Scene, str | None]], views: dict[int, tuple[float, ...]]
    ) -> DenseBatch:
        m = self.numbers.merge
        pixels, grids, cells = [], [], []
        for scene, style in drawn:
            cut, rows, columns = patches(scene.image.convert("RGB"), self.numbers)
            pixels.append(cut)
            grids.append((1, rows, columns))
            cells.append(label_cells(scene, rows // m, columns // m, style))
        sizes = [len(c.flags_NF) for c in cells]
        starts = np.cumsum([0, *sizes])
        twin = np.full(starts[-1], -1, dtype=np.int64)
        for i, back in views.items():
            pair = drawn[i][0].image.size, drawn[i + 1][0].image.size
            there = twin_cells(back, pair, (grids[i][1] // m, grids[i][2] // m))
            twin[starts[i] : starts[i + 1]] = np.where(there >= 0, there + starts[i + 1], -1)
        return DenseBatch(
            torch.from_numpy(np.concatenate(pixels)),
            torch.tensor(grids),
            torch.from_numpy(np.concatenate([c.classes_NK for c in cells])),
            torch.from_numpy(np.concatenate([c.flags_NF for c in cells])),
            torch.from_numpy(np.concatenate([c.values_NV for c in cells])),
            torch.from_numpy(np.repeat(np.arange(len(cells)), sizes)),
            torch.from_numpy(twin),
        )
