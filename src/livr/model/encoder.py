"""From an example to token ids and roles, through the checkpoint's own processor."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from livr.data.example import IMAGE_PLACEHOLDER, Example, ImageInput
from livr.data.prompts import render
from livr.errors import DataError, ModelError
from livr.method.latents import Latents, token_names

TOKEN_KEYS = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
"""Processor outputs with one value per position; all others describe images."""


@dataclass(frozen=True)
class Encoded:
    """One example as the model reads it.

    Attributes:
        id: The example's id.
        ids_T: Token ids: prompt, then answer.
        answer_start: Position of the first answer token; T if there is none.
        types_T: 1 at image positions, where the family wants to know; else 0.
        images: The processor's outputs for the images (`pixel_values`, ...).
        num_image_tokens: Positions that image features fill.
    """

    id: str
    ids_T: Tensor
    answer_start: int
    types_T: Tensor
    images: dict[str, Tensor] = field(repr=False)
    num_image_tokens: int

    def __len__(self) -> int:
        return int(self.ids_T.shape[0])


class Encoder:
    """Turns examples into sequences `[template][images][question][latents][header][answer]`.

    Args:
        processor: The checkpoint's processor, its tokenizer extended by the latents.
        image_token_id: Placeholder that image features replace.
        latents: The latents to put into the prompt, if any.
    """

    def __init__(self, processor: Any, image_token_id: int, latents: Latents | None = None) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.image_token_id = image_token_id
        self.latents = latents
        self.end_of_turn = self._find_end_of_turn()

    def _find_end_of_turn(self) -> int:
        """The token with which the chat template ends an answer; the model learns to say it."""
        asked = [{"role": "user", "content": [{"type": "text", "text": "Q"}]}]
        said = [*asked, {"role": "assistant", "content": [{"type": "text", "text": "ANSWER"}]}]
        text = self.processor.apply_chat_template(said, tokenize=False)
        tail = text.rpartition("ANSWER")[2]
        ids = self.tokenizer(tail, add_special_tokens=False)["input_ids"] if tail else []
        end = ids[0] if ids and ids[0] in self.tokenizer.all_special_ids else None
        end = self.tokenizer.eos_token_id if end is None else end
        if end is None:
            raise ModelError("the tokenizer has no token that ends an answer (eos_token)")
        return int(end)

    def prompt_text(self, example: Example, latents: bool = True) -> str:
        """The prompt as one string, with one placeholder per image, up to the answer."""
        pieces = re.split(f"({re.escape(IMAGE_PLACEHOLDER)})", render(example))
        content: list[dict[str, str]] = []
        if IMAGE_PLACEHOLDER not in pieces:
            content += [{"type": "image"}] * len(example.images)
        for piece in filter(None, pieces):
            is_image = piece == IMAGE_PLACEHOLDER
            content.append({"type": "image"} if is_image else {"type": "text", "text": piece})
        if latents and self.latents is not None:
            text = {"type": "text", "text": "".join(token_names(self.latents.num))}
            before = self.latents.placement == "before"
            last_image = max((i for i, c in enumerate(content) if c["type"] == "image"), default=-1)
            content.insert(last_image + 1 if before else len(content), text)
        messages = [{"role": "user", "content": content}]
        prompt: str = self.processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return prompt

    def encode(self, example: Example, latents: bool = True, answer: bool = True) -> Encoded:
        """Encode one example.

        Args:
            example: The example; its images are read here.
            latents: Whether the prompt carries the model's latents.
            answer: Whether the answer and the end of turn follow.

        Raises:
            DataError: An image cannot be read, or the number of images and of `<image>` marks
                (or of the model's own placeholders in the text) differ.
        """
        images = [read_image(image, example.id) for image in example.images]
        text = self.prompt_text(example, latents)
        marks = text.count(self.processor.image_token)
        if marks != len(images):
            raise DataError(
                f"example {example.id}: {len(images)} image(s) but {marks} place(s) for them in "
                f"the prompt; use one {IMAGE_PLACEHOLDER} per image, or none at all"
            )
        out = self.processor(images=images or None, text=[text], return_tensors="pt")
        prompt_T = out["input_ids"][0]
        tail: list[int] = []
        if answer:
            tail = self.tokenizer(example.answer, add_special_tokens=False)["input_ids"]
            tail = [*tail, self.end_of_turn]
        ids_T = torch.cat([prompt_T, torch.tensor(tail, dtype=prompt_T.dtype)])
        types = out.get("mm_token_type_ids")
        types_T = torch.zeros_like(ids_T)
        if types is not None:
            types_T[: len(prompt_T)] = types[0]
        return Encoded(
            id=example.id,
            ids_T=ids_T,
            answer_start=len(prompt_T),
            types_T=types_T,
            images={k: v for k, v in out.items() if k not in TOKEN_KEYS},
            num_image_tokens=int((ids_T == self.image_token_id).sum()),
        )


def read_image(image: ImageInput, where: str) -> Image.Image:
    """An image as the model sees it: upright (EXIF), RGB, transparency on white.

    Raises:
        DataError: The file is missing or not an image.
    """
    try:
        opened = image if isinstance(image, Image.Image) else Image.open(Path(image))
        upright = ImageOps.exif_transpose(opened)
        if "A" in upright.getbands() or "transparency" in upright.info:
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return upright.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"example {where}: cannot read the image {image}: {error}") from error
