"""A first lesson for the vision tower alone: name what lies in every cell of a picture.

Questions supervise a picture at a few points; a tower that starts from noise learns slowly from
them. Here every cell (the pixels behind one decoder position) has labels known from rendering:
object, colour, part, mark, box edges, extent of its object, kind of photograph, style. Linear
heads read them off the tower's output and are thrown away afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss
from torch.utils.data import Dataset

from livr.mini.assets import PART_NAMES, Assets, load_assets
from livr.mini.figures import COLORS, FIGURES
from livr.mini.pixels import patches
from livr.mini.scene import Scene, blank, photo_crop, random_size
from livr.mini.shape import MiniShape
from livr.mini.skills.boxes import BOXES, boxed_scene
from livr.mini.skills.links import FIGURES_WITH_PARTS, portrait
from livr.mini.skills.single import (
    LABELS,
    PHOTO_KINDS,
    THINGS,
    ask_shade,
    compose,
    place_marks,
)
from livr.mini.styles import STYLES, restyle

OBJECTS = ("background", *dict.fromkeys((*THINGS[1:], *PHOTO_KINDS)))
MARKS = ("none", *LABELS)
DRAWN_PARTS = (name for parts in FIGURES.values() for name, *_ in parts)
PARTS = tuple(sorted({*DRAWN_PARTS, *chain.from_iterable(PART_NAMES.values())}))
CLASSES = {
    "object": len(OBJECTS),
    "color": len(COLORS),
    "part": len(PARTS),
    "mark": len(MARKS),
    "photo": len(PHOTO_KINDS),
    "style": len(STYLES),
}
"""Labels of which a cell has one, or -100 where it is not known."""
FLAGS = 4 * len(BOXES) + 1
"""Box edges by letter and side, and whether an object's centre lies in the cell."""
VALUES = 3 + 2 + 4
"""Paint (RGB), place (u, v), distances to the sides of the cell's object, in cells."""
IMAGES = 64
"""Pictures of a step."""


@dataclass(frozen=True)
class Cells:
    """Labels of one picture. N cells, row by row in the tower's order.

    Attributes:
        classes_NK: One label per entry of `CLASSES`, -100 if unknown.
        flags_NF: 0 or 1.
        values_NV: Numbers; the last four are nan outside objects, all may be nan.
    """

    classes_NK: NDArray[np.int64]
    flags_NF: NDArray[np.float32]
    values_NV: NDArray[np.float32]


_PALETTE = np.array(list(COLORS.values()), dtype=np.float32)


def color_labels(rgb_N3: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the colour word per row, -100 where two would do."""
    far = ((rgb_N3[:, None] - _PALETTE[None]) ** 2).sum(-1)
    order = np.sort(far, axis=1)
    sure = (order[:, 0] < 3600) & (order[:, 0] < 0.45 * order[:, 1])
    return np.where(sure, far.argmin(1), -100)


def label_cells(scene: Scene, rows: int, columns: int, style: str | None) -> Cells:
    """The labels of every cell of a scene."""
    w, h = scene.image.size
    n = rows * columns
    cw, ch = w / columns, h / rows
    classes = np.full((n, len(CLASSES)), -100, dtype=np.int64)
    flags = np.zeros((n, FLAGS), dtype=np.float32)
    values = np.full((n, VALUES), np.nan, dtype=np.float32)
    paint = scene.clean.resize((columns, rows), Image.Resampling.BOX)
    rgb = np.asarray(paint, dtype=np.float32).reshape(n, 3)
    classes[:, 1] = color_labels(rgb)
    classes[:, 3] = 0
    if scene.backdrop in PHOTO_KINDS:
        classes[:, 4] = PHOTO_KINDS.index(scene.backdrop)
    if style is not None:
        classes[:, 5] = STYLES.index(style)
    values[:, :3] = rgb / 127.5 - 1
    middle_x = (np.arange(columns) + 0.5) * cw
    middle_y = (np.arange(rows) + 0.5) * ch
    values[:, 3] = np.tile(middle_x / w * 2 - 1, rows)
    values[:, 4] = np.repeat(middle_y / h * 2 - 1, columns)
    ids = np.asarray(scene.ids)[np.ix_(middle_y.astype(int), middle_x.astype(int))].reshape(n)
    names = [0, *[OBJECTS.index(o.kind) for o in scene.objects]]
    classes[:, 0] = np.array(names)[ids]
    xs, ys = np.tile(middle_x, rows), np.repeat(middle_y, columns)

    def cell(x: float, y: float) -> int:
        return min(rows - 1, max(0, int(y / ch))) * columns + min(columns - 1, max(0, int(x / cw)))

    for i, placed in enumerate(scene.objects, start=1):
        here = ids == i
        x0, y0, x1, y1 = placed.box
        sides = ((xs - x0) / cw, (ys - y0) / ch, (x1 - xs) / cw, (y1 - ys) / ch)
        for k, side in enumerate(sides):
            values[here, 5 + k] = side[here] / 2
        flags[cell(*placed.center), -1] = 1
        for name, x, y in placed.parts:
            classes[cell(x, y), 2] = PARTS.index(name)
    for label, (x, y) in scene.marks.items():
        here = cell(x, y)
        tone = np.array([scene.tone((x, y))], dtype=np.float32)
        classes[here, 3] = MARKS.index(label)
        classes[here, 1] = color_labels(tone)[0]
        values[here, :3] = tone[0] / 127.5 - 1
    for letter, (box, _, _) in scene.boxes.items():
        _edges(flags, BOXES.index(letter), box, (rows, columns), (cw, ch))
    return Cells(classes, flags, values)


def _edges(
    flags: NDArray[np.float32],
    color: int,
    box: tuple[float, float, float, float],
    grid: tuple[int, int],
    cell: tuple[float, float],
) -> None:
    """Set the flags of the cells which the four sides of a box cross."""
    rows, columns = grid
    c0, c1 = (min(columns - 1, max(0, int(box[k] / cell[0]))) for k in (0, 2))
    r0, r1 = (min(rows - 1, max(0, int(box[k] / cell[1]))) for k in (1, 3))
    cube = flags.reshape(rows, columns, -1)
    cube[r0 : r1 + 1, c0, 4 * color] = 1
    cube[r0, c0 : c1 + 1, 4 * color + 1] = 1
    cube[r0 : r1 + 1, c1, 4 * color + 2] = 1
    cube[r1, c0 : c1 + 1, 4 * color + 3] = 1


def labelled(rng: random.Random, assets: Assets) -> tuple[Scene, str | None]:
    """A scene to label, and its style where that is known."""
    draw = rng.random()
    if draw < 0.4:
        return compose(rng, assets), None
    if draw < 0.5:
        kind = rng.choice(("mouth", "tip", *FIGURES_WITH_PARTS))
        scene, _ = portrait(rng, assets, kind)
        place_marks(rng, scene, rng.randint(0, 4))
        return scene, None
    if draw < 0.72:
        return boxed_scene(rng, assets), None
    if draw < 0.8:
        return ask_shade(rng, assets)[0], None
    photo, style = rng.choice(assets.photos), rng.choice(STYLES)
    image = photo_crop(rng, photo.image, random_size(rng))
    return blank(restyle(rng, image, style), photo.kind), style


@dataclass(frozen=True)
class DenseBatch:
    """One step: patches and grids of the pictures, labels of all their cells."""

    pixels: Tensor
    grids: Tensor
    classes_NK: Tensor
    flags_NF: Tensor
    values_NV: Tensor


class DenseLessons(Dataset[DenseBatch]):
    """Steps of labelled pictures: the same seed and step give the same batch."""

    def __init__(self, numbers: MiniShape, seed: int, splits: tuple[str, ...] = ("train",)) -> None:
        self.numbers, self.seed, self.splits = numbers, seed, splits
        self.assets: Assets | None = None

    def __getitem__(self, step: int) -> DenseBatch:
        if self.assets is None:
            torch.set_num_threads(1)
            self.assets = load_assets(self.splits)
        m = self.numbers.merge
        pixels, grids, cells = [], [], []
        for i in range(IMAGES):
            rng = random.Random(f"dense/{self.seed}/{step}/{i}")
            scene, style = labelled(rng, self.assets)
            cut, rows, columns = patches(scene.image.convert("RGB"), self.numbers)
            pixels.append(cut)
            grids.append((1, rows, columns))
            cells.append(label_cells(scene, rows // m, columns // m, style))
        return DenseBatch(
            torch.from_numpy(np.concatenate(pixels)),
            torch.tensor(grids),
            torch.from_numpy(np.concatenate([c.classes_NK for c in cells])),
            torch.from_numpy(np.concatenate([c.flags_NF for c in cells])),
            torch.from_numpy(np.concatenate([c.values_NV for c in cells])),
        )


class DenseHead(nn.Module):
    """One linear map from a cell's position in the decoder to all its labels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, sum(CLASSES.values()) + FLAGS + VALUES)

    def forward(self, features_ND: Tensor, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
        """Loss, and the share of right labels per class name."""
        scores = self.out(self.norm(features_ND))
        parts = scores.split([*CLASSES.values(), FLAGS, VALUES], dim=1)
        loss = scores.new_zeros(())
        right: dict[str, float] = {}
        for k, name in enumerate(CLASSES):
            goal = batch.classes_NK[:, k]
            known = goal != -100
            if not bool(known.any()):
                continue
            weight = None
            if name in ("mark", "object"):
                weight = torch.ones(CLASSES[name])
                weight[0] = 0.03 if name == "mark" else 0.12
            loss = loss + cross_entropy(parts[k][known], goal[known], weight=weight)
            counted = known & (goal > 0) if weight is not None else known
            hits = parts[k].argmax(1)[counted] == goal[counted]
            if len(hits):
                right[name] = float(hits.float().mean())
        edge = binary_cross_entropy_with_logits(
            parts[-2], batch.flags_NF, pos_weight=torch.full((FLAGS,), 4.0)
        )
        given = ~batch.values_NV.isnan()
        values = smooth_l1_loss(parts[-1][given], batch.values_NV[given])
        right["edge_loss"], right["value_loss"] = float(edge.detach()), float(values.detach())
        hidden, right["color_under_mark"] = under_marks(parts, batch)
        return loss + 4 * edge + 3 * values + hidden, right


def under_marks(parts: Sequence[Tensor], batch: DenseBatch) -> tuple[Tensor, float]:
    """Loss and share of right colours at marked cells: few, and what the tasks ask about."""
    color, mark = (list(CLASSES).index(name) for name in ("color", "mark"))
    marked = batch.classes_NK[:, mark] > 0
    sure = marked & (batch.classes_NK[:, color] != -100)
    if not bool(sure.any()):
        return parts[0].new_zeros(()), 0.0
    goal = batch.classes_NK[sure, color]
    paint = smooth_l1_loss(parts[-1][marked, :3], batch.values_NV[marked, :3])
    right = (parts[color][sure].argmax(1) == goal).float().mean()
    return 0.5 * cross_entropy(parts[color][sure], goal) + 3 * paint, float(right)
