"""Several encoded examples as one batch: padding, roles, labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from livr.backbones.features import ImageFeatures, join_images
from livr.method.roles import Role, tag
from livr.model.encoder import Encoded

IGNORE = -100
"""Label of positions without loss, as in torch's cross entropy."""

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Batch:
    """A batch on one device.

    Attributes:
        inputs: Arguments of the model's forward.
        roles_BT: The role of every position.
        labels_BT: The answer's token ids at answer positions, `IGNORE` elsewhere.
    """

    inputs: dict[str, Any]
    roles_BT: Tensor
    labels_BT: Tensor

    @property
    def keep_BT(self) -> Tensor:
        """True at positions whose logits predict an answer token: one before each of them."""
        after_BT = torch.nn.functional.pad(self.labels_BT, (0, 1), value=IGNORE)[:, 1:]
        return after_BT != IGNORE

    @property
    def targets_N(self) -> Tensor:
        """The answer tokens of all examples in a row, aligned with `logits[keep_BT]`."""
        return self.labels_BT[:, 1:][self.labels_BT[:, 1:] != IGNORE]


def collate(
    encoded: Sequence[Encoded],
    image_token_id: int,
    latent_ids: Collection[int],
    pad_id: int,
    side: Side = "left",
    features: Sequence[Sequence[ImageFeatures]] | None = None,
    device: torch.device | str = "cpu",
) -> Batch:
    """Pad and join.

    Args:
        encoded: The examples.
        image_token_id: Placeholder of image positions.
        latent_ids: Ids of the latents, possibly none.
        pad_id: Any token id; padding is recognised by the mask, not by its id.
        side: Where padding goes. Left lets answers end together.
        features: Per example the features of its images, if known: then no pixels are sent.
        device: Where the batch goes.
    """
    size = (len(encoded), max(map(len, encoded)))
    ids_BT = torch.full(size, pad_id, dtype=torch.long)
    valid_BT, types_BT = torch.zeros(size, dtype=torch.long), torch.zeros(size, dtype=torch.long)
    answer_BT, again_BT = torch.zeros(size, dtype=torch.bool), torch.zeros(size, dtype=torch.bool)
    for b, row in enumerate(encoded):
        start = size[1] - len(row) if side == "left" else 0
        span = slice(start, start + len(row))
        ids_BT[b, span], types_BT[b, span], valid_BT[b, span] = row.ids_T, row.types_T, 1
        answer_BT[b, start + row.answer_start : start + len(row)] = True
        if row.repeat_start is not None:
            again_BT[b, start + row.repeat_start : start + len(row)] = True
    roles_BT = tag(ids_BT, valid_BT, answer_BT, [image_token_id], latent_ids)
    # An image shown again is a latent to the rule: it carries what was seen to the answer.
    roles_BT[again_BT & (roles_BT == Role.IMAGE)] = Role.LATENT
    inputs: dict[str, Any] = {"input_ids": ids_BT, "attention_mask": valid_BT}
    types_name = next((row.types_name for row in encoded if row.types_name), None)
    if types_name is not None:
        inputs[types_name] = types_BT
    shown = encoded if features is None else [without_pixels(row) for row in encoded]
    inputs |= join_pixels(shown)
    inputs = {name: _to_device(value, device) for name, value in inputs.items()}
    flat = [image for row in features or () for image in row]
    if flat:
        inputs["mm_encoder_outputs"] = {"image": join_images([_to(f, device) for f in flat])}
    labels_BT = ids_BT.masked_fill(roles_BT != Role.ANSWER, IGNORE)
    return Batch(inputs, roles_BT.to(device), labels_BT.to(device))


def without_pixels(row: Encoded) -> Encoded:
    """The same without what the vision tower alone needs: pixels, and which of them are real.

    Sizes and grids stay: the language model counts positions by them.
    """
    kept = {name: t for name, t in row.images.items() if not name.startswith("pixel_")}
    return replace(row, images=kept)


def join_pixels(encoded: Sequence[Encoded]) -> dict[str, Tensor]:
    """What the processor made of the images of all examples, image after image.

    Families that cut images into tiles give them in different numbers, others in different
    sizes. They are filled up with zeros, which the models cut off again by the sizes that go
    with them (Idefics3 drops empty tiles).
    """
    joined: dict[str, Tensor] = {}
    for name in dict.fromkeys(name for row in encoded for name in row.images):
        parts = [row.images[name] for row in encoded if name in row.images]
        shape = [max(sizes) for sizes in zip(*(p.shape[1:] for p in parts), strict=True)]
        joined[name] = torch.cat([_fill(part, shape) for part in parts])
    return joined


def _fill(part: Tensor, shape: Sequence[int]) -> Tensor:
    """Zeros at the end of every dimension but the first, up to `shape`."""
    missing = [want - have for have, want in zip(part.shape[1:], shape, strict=True)]
    ends = [n for m in reversed(missing) for n in (0, m)]
    return torch.nn.functional.pad(part, ends) if any(missing) else part


def _to(image: ImageFeatures, device: torch.device | str) -> ImageFeatures:
    deepstack = tuple(_to_device(level, device) for level in image.deepstack)
    return ImageFeatures(_to_device(image.pooled_ID, device), deepstack, image.stacked)


def _to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Move a tensor; to a GPU through pinned memory, so that it need not wait for the step before.

    Kernels are queued, so the next batch travels while the GPU still works on this one.
    """
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
