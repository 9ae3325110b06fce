"""One question about one or more images: the unit of every data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from PIL import Image
from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)

from livr.errors import DataError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
IMAGE_PLACEHOLDER = "<image>"

ImageInput = str | Path | Image.Image


class Example(BaseModel):
    """A question with its answer.

    Attributes:
        id: Unique within a data set.
        task: Name of the task, free text for the user's own data.
        images: Paths or PIL images, in prompt order.
        question: The question. `<image>` marks where an image goes; without any
            mark all images come before the text.
        choices: The options of a multiple-choice question, or None if open-ended.
        answer: A letter ("A" is the first choice) or, if open-ended, the text itself.
        helper_images: Pictures of the way to the answer, for methods that learn from them
            (METHOD.md section 5, Mirage). Never part of the prompt.
        board: Map of a path question, see `livr.data.lake`. With it every safe path to the goal
            is right, not only the one in `answer`.
        score_group: Name shared by questions that also count together: a group is right if all
            of its questions are (MMVP's pairs). Unique within a data set; None for none.
        sources: Names of what is behind its pictures, which other questions may show as well: a
            photograph, a scene, a part. Such questions are split and drawn together.

    Raises:
        DataError: A field is missing, or is of another kind; or no letters name so many choices.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")

    id: str
    task: str = "custom"
    images: tuple[ImageInput, ...]
    question: str
    choices: tuple[str, ...] | None = None
    answer: str = ""
    helper_images: tuple[ImageInput, ...] = ()
    board: tuple[str, ...] | None = None
    score_group: str | None = None
    sources: tuple[str, ...] = ()

    @field_validator("choices")
    @classmethod
    def _have_letters(cls, choices: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if choices is not None and not 2 <= len(choices) <= len(LETTERS):
            raise ValueError(
                f"{len(choices)} given; expected 2 to {len(LETTERS)}, or None if open-ended"
            )
        return choices

    @model_validator(mode="wrap")
    @classmethod
    def _or_an_error_for_people(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            # A field that may be one of several kinds has an error for each.
            first = {item["loc"][0]: item for item in reversed(error.errors())}
            wrong = [f"  {name}: {_in_words(str(name), first[name])}" for name in sorted(first)]
            raise DataError("\n".join(["no Example can be made of this:", *wrong])) from error


def _in_words(name: str, wrong: Mapping[str, Any]) -> str:
    value = wrong["input"]
    match wrong["type"]:
        case "tuple_type":
            return f"{value!r} is no list; give {name}=[{value!r}]"
        case "missing":
            return "missing"
        case "extra_forbidden":
            return f"no such field; known here: {', '.join(Example.model_fields)}"
        case "value_error":
            return str(wrong["msg"]).removeprefix("Value error, ")
    return f"{wrong['msg']}, not {value!r}"
