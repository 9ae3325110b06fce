"""One question, asked in every way that shows what the latents do (ours).

No page is known here: what is asked comes in as values, and what was found goes out as values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from livr.analysis.attention_maps import look
from livr.analysis.inside.questions import Questions
from livr.analysis.overlays import overlay, strip
from livr.data.example import LETTERS, Example, ImageInput
from livr.errors import ConfigError, ModelError, UnsupportedModelError
from livr.evaluate.answers import extract, is_correct
from livr.evaluate.predict import as_example, without_id
from livr.evaluate.rank import MOST
from livr.method.bottleneck import BOTTLENECK, ORDINARY
from livr.model.model import Model, Use

SIDE = 420
"""Longer side of an overlay in px."""


@dataclass(frozen=True)
class Way:
    """A way of asking.

    Attributes:
        name: What it is called on the page.
        means: What the model sees then, in a few words.
        mask: Attention rule by name.
        latents: Which latents the prompt carries.
    """

    name: str
    means: str
    mask: str
    latents: Use


@dataclass(frozen=True)
class Reply:
    """What a model said when asked in one way.

    Attributes:
        way: The way.
        text: What it wrote.
        answer: What was read from it: a letter, a number or text; None if nothing could be read.
        right: Whether that is the right answer; None if nobody said what is.
        shares: Likelihood of each weighed answer among them all, sums to 1; empty if there are
            none, or they cannot be weighed.
    """

    way: Way
    text: str
    answer: str | None
    right: bool | None
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Asked:
    """All that was found.

    Attributes:
        example: The question.
        weighed: The answers whose likelihoods are compared: the choices, or those that were given.
        replies: One per way of asking; the first is how the model is used.
        overlays: What the latents attend to, by the name of the way; empty if it cannot be drawn.
        remarks: What could not be had, and why.
    """

    example: Example
    weighed: tuple[str, ...]
    replies: tuple[Reply, ...]
    overlays: dict[str, Image.Image]
    remarks: tuple[str, ...]


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text that are not blank.

    >>> lines(" yes \\n\\nno")
    ('yes', 'no')
    """
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def fields(example: Example) -> tuple[str, str, str]:
    """A question as a form shows it: question, choices (one a line), right answer."""
    return example.question, "\n".join(example.choices or ()), example.answer


def from_form(
    images: Sequence[ImageInput], form: tuple[str, str, str], loaded: Example | None = None
) -> Example:
    """The question that a form asks.

    Args:
        images: The pictures, in order.
        form: See `fields`; a right answer may be missing.
        loaded: The question that the form was filled with. As long as the words are its own, more
            than they say still holds of it, such as the map that shows which paths are right.

    Raises:
        LivrError: It cannot be asked, or a picture cannot be used.
    """
    question, choices, answer = form
    if loaded is not None and form == fields(loaded):
        plain = as_example(images, question, loaded.choices, loaded.answer)
        return loaded.model_copy(update={"images": plain.images})
    return as_example(images, question, lines(choices) or None, answer.strip())


def ways(model: Model, latents: int | None = None) -> list[Way]:
    """How a model is asked: a model without latents in one way, any other in three.

    Args:
        model: The model.
        latents: Only the first so many latents; None for all.

    Raises:
        ConfigError: It has not so many, or they are none at all.
    """
    most = model.most_latents
    if not most:
        return [Way("the model", "the picture", ORDINARY.name, "keep")]
    if latents is not None and not 1 <= latents <= most:
        raise ConfigError(f"{latents} latents asked for; give 1 to {most}")
    use: Use = "keep" if latents is None or latents == most else latents
    return [
        Way("ordinary", "the picture and the latents", ORDINARY.name, use),
        Way("blindfolded", "the latents, which alone see the picture", BOTTLENECK.name, use),
        Way("without latents", "the picture", ORDINARY.name, "drop"),
    ]


def ask(
    model: Model, example: Example, answers: Sequence[str] = (), latents: int | None = None
) -> Asked:
    """Ask one question in every way that the model can be asked.

    Args:
        model: The model.
        example: The question. Its answer, if it has one, is what replies are held against.
        answers: Of an open question, answers whose likelihoods shall be compared.
        latents: Only the first so many latents; None for all.

    Raises:
        ConfigError: The answers cannot be compared, or the model has fewer latents.
        LivrError: The model cannot be asked this.
    """
    weighed = _weighed(example, answers)
    known = LETTERS[: len(weighed)] if example.choices else weighed
    found: list[Reply] = []
    remarks: list[str] = []
    with without_id():
        for way in ways(model, latents):
            room = model.room_for([example.answer])
            text = model.generate([example], way.mask, way.latents, max_new_tokens=room)[0]
            answer = extract(text, example)
            right = is_correct(answer, example) if example.answer else None
            shares: tuple[float, ...] = ()
            if weighed:
                try:
                    shares = _shares(model, example, known, way)
                except ModelError as error:
                    remarks.append(str(error))
            found.append(Reply(way, text, answer, right, shares))
        overlays: dict[str, Image.Image] = {}
        if model.latents is not None:
            try:
                overlays = _overlays(model, example, found)
            except UnsupportedModelError as error:
                remarks.append(str(error))
    return Asked(example, weighed, tuple(found), overlays, tuple(dict.fromkeys(remarks)))


def _weighed(example: Example, answers: Sequence[str]) -> tuple[str, ...]:
    if not answers:
        return example.choices or ()
    if example.choices:
        raise ConfigError("the choices are compared already; leave out the answers to compare")
    if not 2 <= len(answers) <= MOST:
        raise ConfigError(
            f"{len(answers)} answer{'s'[: len(answers) != 1]} to compare; give 2 to {MOST}, one a "
            "line, or none"
        )
    if twice := sorted({text for text in answers if list(answers).count(text) > 1}):
        raise ConfigError(f"the same answer twice: {', '.join(map(repr, twice))}")
    return tuple(answers)


def _shares(model: Model, example: Example, known: Sequence[str], way: Way) -> tuple[float, ...]:
    (scores,) = model.log_likelihoods([example], [list(known)], way.mask, way.latents)
    return tuple(scores.double().softmax(0).tolist())


def _overlays(model: Model, example: Example, replies: Sequence[Reply]) -> dict[str, Image.Image]:
    """What the latents attend to, without attention sinks, in every way that has latents."""
    questions = Questions(model, [example], 1)
    drawn = {}
    for way in (reply.way for reply in replies):
        if way.latents != "drop":
            (seen,) = look(questions, way.mask, way.latents)
            drawn[way.name] = overlay(strip(example, SIDE), seen.maps(sinks=False))
    return drawn
