"""Ask one question about one or more images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from livr.data.example import Example, ImageInput
from livr.evaluate.answers import extract
from livr.model.load import load
from livr.model.model import Model, Use


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        text: What the model wrote.
        answer: What was read from it: a letter, a number or text; None if nothing could be read.
    """

    text: str
    answer: str | None


def predict(
    model: Model | str | PathLike[str],
    images: Sequence[ImageInput],
    question: str,
    choices: Sequence[str] | None = None,
    *,
    mask: str = "ordinary",
    latents: Use = "keep",
) -> Answer:
    """Ask a model one question.

    Args:
        model: A loaded model, or anything `livr.load` takes.
        images: Paths or PIL images, in prompt order.
        question: The question.
        choices: The options, if it is a multiple-choice question.
        mask: Attention rule by name.
        latents: `drop` leaves the latents out of the prompt.

    Raises:
        LivrError: The model or an image cannot be used; see the message.
    """
    asked = model if isinstance(model, Model) else load(_source(model))
    example = Example(
        id="question",
        images=tuple(images),
        question=question,
        choices=tuple(choices) if choices else None,
    )
    text = asked.generate([example], mask, latents)[0]
    return Answer(text=text, answer=extract(text, example))


def _source(model: str | PathLike[str]) -> str | Path:
    return model if isinstance(model, str) else Path(model)
