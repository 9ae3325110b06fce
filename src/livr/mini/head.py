"""Linear heads that read a cell's labels off the tower's output; thrown away after the lesson."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    normalize,
    smooth_l1_loss,
)

from livr.mini.cells import CLASSES, FLAGS, NAMES, VALUES
from livr.mini.dense import DenseBatch
from livr.mini.skills.base import POSITIONS

CODE = 32
"""Size of the vector by which a cell is found again in another view."""
SHARPNESS = 12.0
"""Factor on the cosine of two such vectors."""
TWIN_WEIGHT = 0.3


class DenseHead(nn.Module):
    """One linear map from a cell's position in the decoder to all its labels.

    Args:
        width: Size of a position.
        words_WD: Directions of the nine places of a picture and of the first labels, which then
            stay: a decoder's own words for them. Default: all directions are learnt, and places
            are no labels.
    """

    words_WD: Tensor

    def __init__(self, width: int, words_WD: Tensor | None = None) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=words_WD is None)
        given = torch.zeros(0, width) if words_WD is None else words_WD
        self.register_buffer("words_WD", given, persistent=False)
        self.places = 0 if words_WD is None else len(POSITIONS)
        labels = self.places + sum(CLASSES.values()) + FLAGS + VALUES + CODE
        self.out = nn.Linear(width, labels - len(given))

    def forward(self, features_ND: Tensor, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
        """Loss, and the share of right labels per class name."""
        normed_ND = self.norm(features_ND)
        scores: Tensor = torch.cat([normed_ND @ self.words_WD.T, self.out(normed_ND)], dim=1)
        where_NP, scores = scores[:, : self.places], scores[:, self.places :]
        sizes = [*CLASSES.values(), FLAGS, VALUES, CODE]
        *parts, code_NC = scores.split(sizes, dim=1)  # type: ignore[no-untyped-call]
        loss = scores.new_zeros(())
        right: dict[str, float] = {}
        if self.places:
            goal = place_labels(batch)
            loss = loss + cross_entropy(where_NP, goal)
            right["place"] = float((where_NP.argmax(1) == goal).float().mean())
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
        found, right["spot"] = same_spots(code_NC, batch)
        return loss + 4 * edge + 3 * values + hidden + found, right


def place_labels(batch: DenseBatch) -> Tensor:
    """Which of the nine places of its picture a cell lies in, (N,): index into `POSITIONS`."""
    column_N, row_N = ((batch.values_NV[:, k] * 1.5).round().long() + 1 for k in (3, 4))
    return row_N * 3 + column_N


def under_marks(parts: Sequence[Tensor], batch: DenseBatch) -> tuple[Tensor, float]:
    """Loss and share of right colours at marked cells: few, and what the tasks ask about."""
    color, mark = NAMES.index("color"), NAMES.index("mark")
    marked = batch.classes_NK[:, mark] > 0
    sure = marked & (batch.classes_NK[:, color] != -100)
    if not bool(sure.any()):
        return parts[0].new_zeros(()), 0.0
    goal = batch.classes_NK[sure, color]
    paint = smooth_l1_loss(parts[-1][marked, :3], batch.values_NV[marked, :3])
    right = (parts[color][sure].argmax(1) == goal).float().mean()
    return 0.5 * cross_entropy(parts[color][sure], goal) + 3 * paint, float(right)


def same_spots(code_NC: Tensor, batch: DenseBatch) -> tuple[Tensor, float]:
    """Loss and share of cells found again in the other view, among all cells of the step.

    Contrastive (InfoNCE over cells): what a spot looks like must survive another view of it.
    """
    rows = (batch.twin_N >= 0).nonzero()[:, 0]
    if not len(rows):
        return code_NC.new_zeros(()), 0.0
    code_NC = normalize(code_NC, dim=1)
    likeness = SHARPNESS * code_NC[rows] @ code_NC.T
    own = batch.picture_N[rows][:, None] == batch.picture_N[None]
    likeness = likeness.masked_fill(own, -torch.inf)
    goal = batch.twin_N[rows]
    right = (likeness.argmax(1) == goal).float().mean()
    return TWIN_WEIGHT * cross_entropy(likeness, goal), float(right)
