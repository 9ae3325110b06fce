"""From an example to token ids and roles, through the checkpoint's own processor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from livr.backbones.family import Family, family_of
from livr.data.example import IMAGE_PLACEHOLDER, Example, ImageInput
from livr.data.pictures import PictureError, read_rgb
from livr.data.prompts import render
from livr.errors import DataError
from livr.method.latents import Latents, token_names
from livr.model.turns import Turns

TOKEN_KEYS = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids", "labels")
"""Processor outputs with one value per position; all others describe images."""
ROOM = 16
"""Most tokens of an answer where the right ones are short; see `Model.room_for` (ours)."""


@dataclass(frozen=True)
class Encoded:
    """One example as the model reads it.

    Attributes:
        id: The example's id.
        ids_T: Token ids: prompt, then answer.
        answer_start: Position of the first answer token; T if there is none.
        types_T: Token types as the family defines them; 0 where it has none.
        images: The processor's outputs for the images (`pixel_values`, ...).
        num_image_tokens: Positions that image features fill.
        types_name: The model's argument for token types, or None.
        answer_type: Token type of answers.
        repeat_start: Position from which images are shown for the second time, if they are.
    """

    id: str
    ids_T: Tensor
    answer_start: int
    types_T: Tensor
    images: dict[str, Tensor] = field(repr=False)
    num_image_tokens: int
    types_name: str | None = None
    answer_type: int = 0
    repeat_start: int | None = None

    def __len__(self) -> int:
        return int(self.ids_T.shape[0])

    def extended(self, ids: Sequence[int]) -> Encoded:
        """The same with more answer tokens at the end."""
        more_T = torch.tensor(list(ids), dtype=self.ids_T.dtype)
        types_T = torch.full_like(more_T, self.answer_type, dtype=self.types_T.dtype)
        return replace(
            self,
            ids_T=torch.cat([self.ids_T, more_T]),
            types_T=torch.cat([self.types_T, types_T]),
        )

    def without(self, ids: range) -> Encoded:
        """The same with some tokens of the prompt left out."""
        if not ids:
            return self
        keep_T = (self.ids_T < ids.start) | (self.ids_T >= ids.stop)
        start = int(keep_T[: self.answer_start].sum())
        return replace(
            self, ids_T=self.ids_T[keep_T], types_T=self.types_T[keep_T], answer_start=start
        )


class Encoder:
    """Turns examples into sequences `[template][images][question][latents][header][answer]`.

    Args:
        processor: The checkpoint's processor, its tokenizer extended by the latents.
        image_token_id: Placeholder that image features replace.
        latents: The latents to put into the prompt, if any.
        family: What is special about the model's family.
        types_name: The model's argument for token types, if it has one.

    Attributes:
        repeats: Whether all images are given again after the question (image twice, 4.3). The
            second copies play the latents' role.
    """

    repeats = False

    def __init__(
        self,
        processor: Any,
        image_token_id: int,
        latents: Latents | None = None,
        family: Family | None = None,
        types_name: str | None = "mm_token_type_ids",
    ) -> None:
        self.family = family or family_of("")
        self.types_name = types_name
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.image_token_id = image_token_id
        self.latents = latents
        self.turns = Turns(processor)
        self.end_of_turn = self.turns.end

    def prompt_text(self, example: Example, latents: int | None = None) -> str:
        """The prompt as one string, with one placeholder per image, up to the answer.

        Args:
            example: The example.
            latents: Only the first so many latents. 0 leaves out a second copy of images, too.
        """
        content = chat_content(example)
        if self.latents is not None and latents != 0:
            text = {"type": "text", "text": "".join(token_names(self.latents.num)[:latents])}
            before = self.latents.config.placement == "before"
            last_image = max((i for i, c in enumerate(content) if c["type"] == "image"), default=-1)
            content.insert(last_image + 1 if before else len(content), text)
        if self.repeats and latents != 0:
            content += [{"type": "image"}] * len(example.images)
        messages = [{"role": "user", "content": content}]
        prompt: str = self.processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return prompt

    def encode(self, example: Example, latents: int | None = None, answer: bool = True) -> Encoded:
        """Encode one example.

        Args:
            example: The example; its images are read here.
            latents: How many of the model's latents the prompt carries, default all.
            answer: Whether the answer and the end of turn follow.

        Raises:
            DataError: An image cannot be read, the model's processor refuses its shape, or the
                number of images and of `<image>` marks (or of the model's own placeholders in
                the text) differ.
        """
        images = [read_image(image, example.id) for image in example.images]
        again = self.repeats and latents != 0
        images = images * 2 if again else images
        text = self.prompt_text(example, latents)
        marks = text.count(self.processor.image_token)
        if marks != len(images):
            raise DataError(
                f"example {example.id}: {len(images)} image(s) but {marks} place(s) for them in "
                f"the prompt; use one {IMAGE_PLACEHOLDER} per image, or none at all"
            )
        out = self._processed(text, images, example.id)
        prompt_T = out["input_ids"][0]
        types = out.get(self.types_name) if self.types_name is not None else None
        shown = (prompt_T == self.image_token_id).nonzero().flatten().tolist()
        prompt = Encoded(
            id=example.id,
            ids_T=prompt_T,
            answer_start=len(prompt_T),
            types_T=torch.zeros_like(prompt_T) if types is None else types[0],
            images={k: v for k, v in out.items() if k not in TOKEN_KEYS},
            num_image_tokens=len(shown),
            types_name=None if types is None else self.types_name,
            answer_type=self.family.answer_type,
            repeat_start=shown[len(shown) // 2] if again and shown else None,
        )
        if not answer:
            return prompt
        return self.answered(prompt, example.answer)

    def answered(self, prompt: Encoded, answer: str) -> Encoded:
        """A prompt with an answer and the end of turn after it."""
        return prompt.extended([*self.turns.answer(answer), self.end_of_turn])

    def _processed(self, text: str, images: Sequence[Image.Image], name: str) -> Any:
        """What the checkpoint's processor makes of one prompt."""
        bos = self.tokenizer.bos_token
        # A template that begins with it would get a second one from the tokenizer.
        begun = {"add_special_tokens": False} if bos and text.startswith(bos) else {}
        try:
            # A list per example, as in a chat: LLaVA-OneVision tiles a picture that is alone only.
            return self.processor(
                images=[list(images)] if images else None, text=[text], return_tensors="pt", **begun
            )
        except (ValueError, RuntimeError) as error:
            if not images:
                raise
            # Every family has limits of its own, and says so in its own way.
            sizes = ", ".join(f"{image.width} x {image.height}" for image in images)
            raise DataError(
                f"example {name}: the model's processor refuses the image(s) of {sizes} pixels "
                f"({error}); crop or pad them to a less extreme shape, or leave the example out"
            ) from error


def chat_content(example: Example) -> list[dict[str, str]]:
    """The user turn of an example as chat templates take it: images and pieces of text."""
    pieces = re.split(f"({re.escape(IMAGE_PLACEHOLDER)})", render(example))
    content: list[dict[str, str]] = []
    if IMAGE_PLACEHOLDER not in pieces:
        content += [{"type": "image"}] * len(example.images)
    for piece in filter(None, pieces):
        is_image = piece == IMAGE_PLACEHOLDER
        content.append({"type": "image"} if is_image else {"type": "text", "text": piece})
    return content


def read_image(image: ImageInput, where: str) -> Image.Image:
    """An image as the model sees it, see `livr.data.pictures.read_rgb`.

    Args:
        image: The image.
        where: Id of its example.

    Raises:
        DataError: The image cannot be used; names the example and the file.
    """
    try:
        return read_rgb(image)
    except PictureError as error:
        name = "" if isinstance(image, Image.Image) else f"{image} "
        raise DataError(f"example {where}: the image {name}{error}") from error
