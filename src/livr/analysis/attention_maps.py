"""Where the latents look: their attention to the image positions, as maps over the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livr.analysis.inside.latents import latent_positions
from livr.analysis.inside.questions import Questions
from livr.analysis.inside.weights import recorded
from livr.analysis.regions import Mask
from livr.errors import UnsupportedModelError
from livr.method.roles import Role
from livr.model.encoder import Encoded, read_image
from livr.model.model import Model

OUTLIER = 3.5
"""Robust z-score beyond which a position is unlike its neighbours (Iglewicz and Hoaglin)."""

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """What the latents of one question look at.

    Attributes:
        weights_KI: Attention of each latent to each image position, mean over layers and heads.
            A row sums to the share of attention that goes to the images.
        layers_LI: The same per decoder layer, mean over latents.
        sinks_I: True at attention sinks: positions that nearly all latents look at and whose
            state is an outlier in norm.
        grids: (rows, columns) of each image's positions.
    """

    weights_KI: Tensor
    layers_LI: Tensor
    sinks_I: Tensor
    grids: tuple[tuple[int, int], ...]

    def maps(self, latent: int | None = None, sinks: bool = True) -> list[Map]:
        """One map per image, (rows, columns); all images of a question sum to one.

        Args:
            latent: Which latent; None for the mean over latents.
            sinks: Whether attention sinks stay in.
        """
        flat_I = self.weights_KI.mean(0) if latent is None else self.weights_KI[latent]
        if not sinks:
            flat_I = flat_I.masked_fill(self.sinks_I, 0)
        flat_I = flat_I / flat_I.sum().clamp_min(1e-12)
        parts = torch.split(flat_I, [rows * columns for rows, columns in self.grids])
        return [p.reshape(g).numpy() for p, g in zip(parts, self.grids, strict=True)]


def grids(
    model: Model, row: Encoded, sizes: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the positions of each image.

    Args:
        model: The model.
        row: The encoded question.
        sizes: (width, height) of its images.

    Raises:
        UnsupportedModelError: The positions of an image are not one rectangle.
    """
    known = row.images.get("image_grid_thw")
    if known is not None:
        merge = int(getattr(model.processor.image_processor, "merge_size", 1))
        return tuple((int(h) // merge, int(w) // merge) for _, h, w in known.tolist())
    each = row.num_image_tokens // len(sizes)
    found = []
    for width, height in sizes:
        options = [(h, each // h) for h in range(1, each + 1) if each % h == 0]
        rows, columns = min(options, key=lambda g: abs(np.log(g[0] / g[1] * width / height)))
        if max(rows / columns, columns / rows) > 8 * max(width / height, height / width):
            raise UnsupportedModelError(
                f"{model.source}: {each} positions per image are no rectangle; attention maps "
                "need a family with one position per patch"
            )
        found.append((rows, columns))
    return tuple(found)


@torch.no_grad()
def look(questions: Questions, mask: str) -> list[Look]:
    """What the latents of every question look at under the rule called `mask`."""
    model = questions.model
    found = []
    for chunk in questions.chunks():
        batch = questions.batch(chunk, answer=False)
        where_BK = latent_positions(model, chunk.prompts).to(batch.roles_BT.device)
        with recorded(model, where_BK) as weights, model.rule(mask, batch):
            out = model.hf(
                **batch.inputs, logits_to_keep=1, use_cache=False, output_hidden_states=True
            )
        weights_LBKT = weights.stacked().cpu()
        norms_BT = torch.stack(out.hidden_states[1:-1]).float().norm(dim=-1).log().mean(0).cpu()
        for b, index in enumerate(chunk.index):
            is_image_T = batch.roles_BT[b].cpu() == Role.IMAGE
            weights_LKI = weights_LBKT[:, b][:, :, is_image_T]
            example = questions.examples[index]
            sizes = [read_image(image, example.id).size for image in example.images]
            found.append(
                Look(
                    weights_KI=weights_LKI.mean(0),
                    layers_LI=weights_LKI.mean(1),
                    sinks_I=sinks(weights_LKI.mean(0), norms_BT[b][is_image_T]),
                    grids=grids(model, chunk.prompts[b], sizes),
                )
            )
    return found


def sinks(weights_KI: Tensor, norms_I: Tensor) -> Tensor:
    """Positions that draw attention for what they are to the network, not for what they show.

    Both must hold: nearly every latent (nine of ten) gives it an outlying weight, and the norm of
    its state is an outlier. Source: registers and massive activations (arXiv 2309.16588,
    2402.17762); the rule is ours.

    Returns:
        (I,) bool.
    """
    unusual_I = _z(norms_I).abs() > OUTLIER
    sought_KI = (
        torch.stack([_z(row_I.clamp_min(1e-12).log()) for row_I in weights_KI]) > OUTLIER / 2
    )
    return unusual_I & (sought_KI.float().mean(0) >= 0.9)


def _z(values: Tensor) -> Tensor:
    centre = values.median()
    spread = (values - centre).abs().median().clamp_min(1e-6)
    return 0.6745 * (values - centre) / spread


def enrichment(weights: Sequence[Map], masks: Sequence[Mask | None]) -> float | None:
    """Attention per area inside the marked regions, over attention per area anywhere.

    1 is what blind attention gives; 2 is twice as much as the regions' area would get.

    >>> weights = np.array([[0.5, 0.5], [0.0, 0.0]], dtype=np.float32)
    >>> enrichment([weights], [np.array([[True, True], [False, False]])])
    2.0
    """
    inside = total = area = cells = 0.0
    for map_, mask in zip(weights, masks, strict=True):
        share = np.zeros(map_.shape) if mask is None else coverage(mask, map_.shape)
        inside += float((map_ * share).sum())
        total += float(map_.sum())
        area += float(share.sum())
        cells += share.size
    return (inside / total) / (area / cells) if area and total else None


def coverage(mask: Mask, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(rows, columns) share of each cell that the mask covers."""
    rows, columns = shape
    ys = np.linspace(0, mask.shape[0], rows + 1).round().astype(int)
    xs = np.linspace(0, mask.shape[1], columns + 1).round().astype(int)
    summed = np.pad(mask.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = summed[np.ix_(ys, xs)]
    inside = boxes[1:, 1:] - boxes[:-1, 1:] - boxes[1:, :-1] + boxes[:-1, :-1]
    sizes = np.outer(np.diff(ys), np.diff(xs)).clip(min=1)
    result: NDArray[np.float64] = inside / sizes
    return result
