"""Ask one question about one or more images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath

from PIL import Image

from livr.arguments import checked
from livr.data.example import IMAGE_PLACEHOLDER, LETTERS, Example, ImageInput
from livr.data.pictures import open_rgb
from livr.data.rows import Row, content_problems
from livr.errors import ConfigError, DataError
from livr.evaluate.answers import extract
from livr.model.compress import need_hidden_image
from livr.model.load import load
from livr.model.model import Model, Use

_ID = "question"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        text: What the model wrote.
        answer: What was read from it: a letter, a number or text; None if nothing could be read.
    """

    text: str
    answer: str | None


@checked
def predict(
    model: Model | str | PathLike[str],
    images: ImageInput | Sequence[ImageInput],
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
        images: A path or PIL image, or several in prompt order.
        question: The question.
        choices: The options, if it is a multiple-choice question: 2 to 26, none of them twice.
        mask: Attention rule by name.
        latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
        compress: Forget the images once the prompt is read; see `Model.generate`.
        trust_remote_code: Run the code that the checkpoint brings.

    Raises:
        LivrError: The question, the model or an image cannot be used; see the message.
    """
    if compress:
        need_hidden_image(mask)
    example = as_example(images, question, choices)
    asked = (
        model
        if isinstance(model, Model)
        else load(fspath(model), trust_remote_code=trust_remote_code)
    )
    with without_id():
        text = asked.generate([example], mask, latents, compress=compress)[0]
    return Answer(text=text, answer=extract(text, example))


@contextmanager
def without_id() -> Iterator[None]:
    """Errors in the block do not name the id of `as_example`, which nobody gave it."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).removeprefix(f"example {_ID}: ")) from error


def as_example(
    images: ImageInput | Sequence[ImageInput],
    question: str,
    choices: Sequence[str] | None,
    answer: str = "",
) -> Example:
    """One question, checked as a row of a data set is, its images read.

    Args:
        images: A path or PIL image, or several in prompt order.
        question: The question.
        choices: The options, or None if it is open.
        answer: The right answer, if it is known.

    Raises:
        ConfigError: It would be no row.
        DataError: An image cannot be used.
    """
    shown = (images,) if isinstance(images, (str, PathLike, Image.Image)) else tuple(images)
    if not shown:
        raise ConfigError("there is no image to ask about; give one or more")
    options = None if choices is None else tuple(choices)
    if options is not None and not 2 <= len(options) <= len(LETTERS):
        raise ConfigError(
            f"the question cannot be asked: {len(options)} choice{'s'[: len(options) != 1]}; "
            f"expected 2 to {len(LETTERS)}, or none at all for an open question"
        )
    example = Example(id=_ID, images=shown, question=question, choices=options, answer=answer)
    row = Row(
        id=example.id,
        # The encoder counts them, and knows the places that a model's own words would make.
        images=["image"] * (question.count(IMAGE_PLACEHOLDER) or 1),
        question=question,
        choices=None if options is None else list(options),
        answer=answer or "A",  # Any row has one. The first letter fits all choices.
    )
    if problems := content_problems(row):
        raise ConfigError(f"the question cannot be asked: {'; '.join(problems)}")
    # Loading a model takes long, so they are looked at before.
    return example.model_copy(update={"images": tuple(map(open_rgb, shown))})
