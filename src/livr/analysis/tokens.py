"""What a model reads, made visible: tokens by role, and the mask of every decoder layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from livr.data.example import Example
from livr.method.bottleneck import allowed, policy
from livr.method.roles import Role
from livr.model.batch import Batch
from livr.model.model import Model

COLOURS = {
    Role.PAD: "#9a9a9a",
    Role.IMAGE: "#1b7f8c",
    Role.PROMPT: "#757575",
    Role.LATENT: "#c2410c",
    Role.ANSWER: "#2f7d32",
}
"""One colour per role, readable on white and on black; pictures and terminals use the same."""
WIDTH, LEGEND = 640, 48
"""Pixels: width of a picture of a mask, if every position gets one at least, and height of the
lines below it."""


@dataclass(frozen=True)
class Span:
    """Neighbouring positions of one role.

    Attributes:
        role: Their role.
        start: First position.
        length: How many.
        text: Their tokens decoded, special tokens included; for images and latents in short.
        tokens: The same token by token; empty for images and latents, and where a character is
            cut in two.
    """

    role: Role
    start: int
    length: int
    text: str
    tokens: tuple[str, ...] = ()


def spans(model: Model, example: Example) -> list[Span]:
    """The sequence of one example, cut where the role changes.

    Args:
        model: Whose tokenizer and template to use.
        example: The example; latents and answer are in its sequence.
    """
    batch = model.batch(model.encode([example], "keep", answer=True))
    ids, roles = batch.inputs["input_ids"][0].tolist(), batch.roles_BT[0].tolist()
    found, start = [], 0
    for role, run in groupby(roles):
        length = len(list(run))
        own = ids[start : start + length]
        text: str = model.tokenizer.decode(own, skip_special_tokens=False)
        tokens: tuple[str, ...] = ()
        if role in (Role.IMAGE, Role.LATENT):
            again = role == Role.LATENT and own[0] == model.image_token_id
            name = "image again" if again else Role(role).name.lower()
            text = f"<{name} x {length}>"
        else:
            tokens = _one_by_one(model, own, text)
        found.append(Span(Role(role), start, length, text, tokens))
        start += length
    return found


def _one_by_one(model: Model, ids: Sequence[int], text: str) -> tuple[str, ...]:
    tokens = tuple(model.tokenizer.decode([i], skip_special_tokens=False) for i in ids)
    return tokens if "".join(tokens) == text else ()


def marked(parts: Sequence[Span]) -> str:
    """Spans as one line per role change, for a file or a terminal without colours.

    >>> print(marked([Span(Role.PROMPT, 0, 2, "Hi"), Span(Role.IMAGE, 2, 4, "<image x 4>")]))
    PROMPT     0..1     'Hi'
    IMAGE      2..5     '<image x 4>'
    """
    return "\n".join(
        f"{s.role.name:<10} {f'{s.start}..{s.start + s.length - 1}':<8} {s.text!r}" for s in parts
    )


@contextmanager
def _watching(decoder: Any, seen: list[Tensor | None]) -> Iterator[None]:
    def hook(layer: Any, inputs: Any, options: dict[str, Any]) -> None:
        seen.append(options.get("attention_mask"))

    hooks = [la.register_forward_pre_hook(hook, with_kwargs=True) for la in decoder.layers]
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()


@torch.no_grad()
def layer_masks(model: Model, batch: Batch, mask: str = "bottleneck") -> list[Tensor]:
    """What each decoder layer is really given, sliding windows and the like included.

    Returns:
        Per layer (B, T, T) bool: position q of sequence b may look at k.
    """
    seen: list[Tensor | None] = []
    with model.rule(mask, batch), _watching(model.hf.get_decoder(), seen):
        model.hf(**batch.inputs, use_cache=False)
    plain = allowed(policy("ordinary"), batch.roles_BT)
    return [plain if one is None else one[:, 0].expand_as(plain) for one in seen]


def mask_picture(model: Model, example: Example, mask: str = "bottleneck") -> Image.Image:
    """The mask of an example as a picture: rows look, columns are looked at.

    A cell has the colour of the role looked at; white is hidden. A frame shows the roles of rows
    and columns, a line below what the colours mean. Where layers differ (sliding windows), the
    first layer with the widest view is drawn.

    Args:
        model: The model.
        example: The example, with answer.
        mask: Name of a policy.
    """
    batch = model.batch(model.encode([example], "keep", answer=True))
    widest = max(layer_masks(model, batch, mask), key=lambda m: int(m.sum()))[0].cpu().numpy()
    roles = [Role(r) for r in batch.roles_BT[0].tolist()]
    colours = np.array([ImageColor.getrgb(COLOURS[role]) for role in roles], dtype=np.uint8)
    cells = np.where(widest[..., None], colours[None], np.uint8(255))
    cell = max(1, WIDTH // (len(roles) + 4))
    frame, length = 3 * cell, len(roles) * cell
    picture = Image.new("RGB", (frame + length, frame + length + LEGEND), "white")
    for pixels, box in (
        (cells, (frame, frame, frame + length, frame + length)),
        (colours[None], (frame, 0, frame + length, frame - cell)),
        (colours[:, None], (0, frame, frame - cell, frame + length)),
    ):
        shown = (box[2] - box[0], box[3] - box[1])
        picture.paste(Image.fromarray(pixels).resize(shown, Image.Resampling.NEAREST), box[:2])
    _write_legend(picture, sorted(set(roles)))
    return picture


def _write_legend(picture: Image.Image, roles: Sequence[Role]) -> None:
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    left, top = 4, picture.height - LEGEND + 8
    for role in roles:
        draw.rectangle((left, top, left + 11, top + 11), COLOURS[role])
        name = role.name.lower()
        draw.text((left + 16, top - 2), name, "black", font=font)
        left += 28 + int(draw.textlength(name, font=font))
    words = "rows look, columns are looked at; white is hidden"
    draw.text((4, top + 18), words, "black", font=font)


def mask_table(model: Model, example: Example, mask: str = "bottleneck") -> list[list[str]]:
    """The mask in letters, one row and one column per span.

    Returns:
        A heading and one row per span. `all`: every position of the row's span sees every
        position of the column's; `c`: what causal order allows; `some`; `-`: nothing.
    """
    parts = spans(model, example)
    batch = model.batch(model.encode([example], "keep", answer=True))
    widest = max(layer_masks(model, batch, mask), key=lambda m: int(m.sum()))[0]
    names = [f"{s.role.name.lower()} {i}" for i, s in enumerate(parts)]
    rows = [["", *names]]
    for name, row in zip(names, parts, strict=True):
        rows.append([name, *(_seen(widest, row, column) for column in parts)])
    return rows


def _seen(mask_TT: Tensor, row: Span, column: Span) -> str:
    block = mask_TT[row.start : row.start + row.length, column.start : column.start + column.length]
    if not bool(block.any()):
        return "-"
    if bool(block.all()):
        return "all"
    causal = row is column and torch.equal(block, torch.ones_like(block).tril())
    return "c" if causal else "some"
