"""What was found, as a piece of a page that needs nothing from elsewhere."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from livr.app.ask import Asked
from livr.data.example import LETTERS
from livr.data.pictures import jpeg_uri


def answer_html(asked: Asked) -> str:
    """The answers side by side, how likely each choice is, and what the latents attend to."""
    choices = asked.example.choices
    known = LETTERS[: len(asked.weighed)] if choices else asked.weighed
    html: str = _template("answer.html.j2").render(
        asked=asked,
        in_words=lambda answer: in_words(answer, choices),
        names=[in_words(answer, choices) for answer in known],
        overlays={name: jpeg_uri(image) for name, image in asked.overlays.items()},
    )
    return html


def error_html(message: str) -> str:
    """The sentence of an error, in place of an answer."""
    html: str = _template("error.html.j2").render(message=message)
    return html


def in_words(answer: str, choices: tuple[str, ...] | None) -> str:
    """A letter with the words of its choice; any other answer as it is.

    >>> in_words("B", ("yes", "no")), in_words("7", None)
    ('(B) no', '7')
    """
    return f"({answer}) {choices[LETTERS.index(answer)]}" if choices else answer


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("livr.app"),
        autoescape=select_autoescape(["html", "html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
