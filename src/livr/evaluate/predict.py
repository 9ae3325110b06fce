"""Ask one question about one or more images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath

from livr.data.example import Example, ImageInput
from livr.evaluate.answers import extract
from livr.model.compress import need_hidden_image
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
    compress: bool = False,
    trust_remote_code: bool = False,
) -> Answer:
    """Ask a model one question.

    Args:
        model: A loaded model, or anything `livr.load` takes.
        images: Paths or PIL images, in prompt order.
        question: The question.
        choices: The options, if it is a multiple-choice question.
        mask: Attention rule by name.
        latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
        compress: Forget the images once the prompt is read; see `Model.generate`.
        trust_remote_code: Run the code that the checkpoint brings.

    Raises:
        LivrError: The model or an image cannot be used; see the message.
    """
    if compress:
        need_hidden_image(mask)
    asked = (
        model
        if isinstance(model, Model)
        else load(fspath(model), trust_remote_code=trust_remote_code)
    )
    example = Example(
        id="question",
        images=tuple(images),
        question=question,
        choices=tuple(choices) if choices else None,
    )
    text = asked.generate([example], mask, latents, compress=compress)[0]
    return Answer(text=text, answer=extract(text, example))
