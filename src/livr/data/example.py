"""One question about one or more images: the unit of every data set."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

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
