"""Where the latents look: their attention to the image positions, as maps over the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from livr.analysis.inside.latents import latent_positions
from livr.analysis.inside.questions import Questions
from livr.analysis.inside.weights import recorded
from livr.analysis.regions import Mask
from livr.backbones.pixtral import PixtralImageTextProcessor
from livr.errors import UnsupportedModelError
from livr.method.roles import Role
from livr.model.encoder import Encoded, read_image
from livr.model.model import Model, Use

OUTLIER = 3.5
"""Robust z-score beyond which a position is unlike its neighbours (Iglewicz and Hoaglin)."""

Map = NDArray[np.float32]
Grid = tuple[int, int]
"""Rows and columns."""


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
        margins: Rows above and below, columns left and right of them that the image has and the
            model does not see.
    """

    weights_KI: Tensor
    layers_LI: Tensor
    sinks_I: Tensor
    grids: tuple[Grid, ...]
    margins: tuple[Grid, ...]

    def maps(self, latent: int | None = None, sinks: bool = True) -> list[Map]:
        """One map per image, (rows, columns) with margins; all images of a question sum to one.

        Args:
            latent: Which latent; None for the mean over latents.
            sinks: Whether attention sinks stay in.
        """
        flat_I = self.weights_KI.mean(0) if latent is None else self.weights_KI[latent]
        if not sinks:
            flat_I = flat_I.masked_fill(self.sinks_I, 0)
        flat_I = flat_I / flat_I.sum().clamp_min(1e-12)
        parts = torch.split(flat_I, [rows * columns for rows, columns in self.grids])
        return [
            np.pad(part.reshape(grid).numpy(), [(size, size) for size in margin])
            for part, grid, margin in zip(parts, self.grids, self.margins, strict=True)
        ]


def grids(model: Model, row: Encoded, images: int) -> tuple[Grid, ...]:
    """Rows and columns of the positions of each image.

    They are known where the processor gives them (Qwen, GLM-4V, Pixtral, Mistral 3), and where
    the model has looked at each image once, at one square size (LLaVA 1.5, Gemma 3, PaliGemma;
    InternVL, Idefics3 and SmolVLM if a single tile is all there is).

    Args:
        model: The model.
        row: The encoded question.
        images: How many images it has.

    Raises:
        UnsupportedModelError: The positions of an image are not known to be one rectangle.
    """
    found = _given(model, row)
    if found is None:
        side = isqrt(_positions_of_a_view(model) or 0)
        found = ((side, side),) * images
    if len(found) != images or sum(r * c for r, c in found) != row.num_image_tokens:
        raise UnsupportedModelError(
            f"{model.source}: question {row.id} has {row.num_image_tokens} positions for "
            f"{images} image(s), and they are not one rectangle per image: the processor cuts "
            "images into tiles, or does not say how positions lie. Attention cannot be drawn over "
            "such images; livr audit needs no maps and works"
        )
    return found


def _given(model: Model, row: Encoded) -> tuple[Grid, ...] | None:
    """Grids that the processor gives, or None."""
    patches = row.images.get("image_grid_thw")
    if patches is not None:
        merge = int(getattr(model.processor.image_processor, "merge_size", 1))
        return tuple((int(h) // merge, int(w) // merge) for _, h, w in patches.tolist())
    if isinstance(model.processor, PixtralImageTextProcessor):
        side = model.processor.side
        return tuple((int(h) // side, int(w) // side) for h, w in row.images["image_sizes"])
    return None


def _positions_of_a_view(model: Model) -> int | None:
    """Positions of one look at an image, or at a tile of it, where all looks are of one size."""
    if model.hf.config.model_type == "llava":
        vision = model.hf.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2
    for name in ("image_seq_length", "image_seq_len"):
        if hasattr(model.processor, name):
            return int(getattr(model.processor, name))
    return None


def margins(model: Model, found: Sequence[Grid], sizes: Sequence[tuple[int, int]]) -> list[Grid]:
    """What a processor cuts off at the edges of images (LLaVA 1.5), in rows and columns.

    Args:
        model: The model.
        found: Rows and columns of each image's positions.
        sizes: (width, height) of each image.
    """
    processor = model.processor.image_processor
    shortest = dict(processor.size).get("shortest_edge")
    if not getattr(processor, "do_center_crop", None) or not shortest:
        return [(0, 0)] * len(sizes)
    crop = processor.crop_size
    cut = []
    for (rows, columns), (width, height) in zip(found, sizes, strict=True):
        scale = shortest / min(width, height)
        beyond = (height * scale / crop.height - 1, width * scale / crop.width - 1)
        cut.append((max(0, round(beyond[0] * rows / 2)), max(0, round(beyond[1] * columns / 2))))
    return cut


@torch.no_grad()
def look(questions: Questions, mask: str, latents: Use = "keep") -> list[Look]:
    """What the latents of every question look at.

    Args:
        questions: The questions.
        mask: Attention rule by name.
        latents: Which latents the prompt carries; a number keeps the first so many.
    """
    model = questions.model
    found = []
    for chunk in questions.chunks(latents):
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
            shapes = grids(model, chunk.prompts[b], len(sizes))
            found.append(
                Look(
                    weights_KI=weights_LKI.mean(0),
                    layers_LI=weights_LKI.mean(1),
                    sinks_I=sinks(weights_LKI.mean(0), norms_BT[b][is_image_T]),
                    grids=shapes,
                    margins=tuple(margins(model, shapes, sizes)),
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


def enrichment(
    weights: Sequence[Map], masks: Sequence[Mask | None], unseen: Sequence[Grid] = ()
) -> float | None:
    """Attention per area inside the marked regions, over attention per area anywhere.

    1 is what blind attention gives; 2 is twice as much as the regions' area would get.

    Args:
        weights: Maps of a question's images.
        masks: The region in each, if there is one.
        unseen: Margins of the maps, which do not count: the model does not see them.

    >>> weights = np.array([[0.5, 0.5], [0.0, 0.0]], dtype=np.float32)
    >>> enrichment([weights], [np.array([[True, True], [False, False]])])
    2.0
    """
    inside = total = area = cells = 0.0
    around = unseen or ((0, 0),) * len(masks)
    for map_, mask, (above, left) in zip(weights, masks, around, strict=True):
        share = np.zeros(map_.shape) if mask is None else coverage(mask, map_.shape)
        seen = slice(above, len(map_) - above), slice(left, map_.shape[1] - left)
        share = share[seen]
        inside += float((map_[seen] * share).sum())
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
