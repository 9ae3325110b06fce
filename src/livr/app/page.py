"""The page itself, made of Gradio's parts. Importing this needs the extra `app`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from threading import Lock

import gradio as gr
import torch
from PIL import Image

from livr.app.ask import ask, fields, from_form, lines
from livr.app.show import answer_html, error_html
from livr.data.example import Example, ImageInput
from livr.data.pictures import storable
from livr.errors import LivrError
from livr.model.model import Model

_WAITING = '<div class="livr"><p class="note">The answer will stand here.</p></div>'
_FULL = (
    "The GPU's memory does not suffice for this question. Give fewer or smaller pictures, or start "
    "the playground with a smaller model."
)


def theme() -> gr.themes.Base:
    """The colours of the reports, and fonts of the reader's own system: nothing is fetched."""
    return gr.themes.Base(
        primary_hue="orange",
        neutral_hue="stone",
        radius_size="sm",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "Liberation Mono", "monospace"],
    ).set(
        body_background_fill="#fdfcf9",
        body_background_fill_dark="#171614",
        button_primary_background_fill="#c4511d",
        button_primary_background_fill_hover="#a94417",
        button_primary_background_fill_dark="#c4511d",
        button_primary_background_fill_hover_dark="#a94417",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
    )


def css() -> str:
    """What the page looks like beyond its theme."""
    return files("livr.app").joinpath("templates/page.css").read_text(encoding="utf-8")


def page(model: Model, name: str, examples: Sequence[Example] = ()) -> gr.Blocks:
    """The playground of one model.

    Args:
        model: The model.
        name: What its user calls it.
        examples: Questions that can be loaded with a click.
    """
    one_at_a_time = Lock()  # a model is under one rule only; requests may pass Gradio's queue by

    def answer(
        pictures: list[tuple[str, str | None]] | None,
        question: str | None,
        choices: str | None,
        right: str | None,
        answers: str | None,
        latents: float | None,
        loaded: int | None,
    ) -> str:
        shown = [path for path, _ in pictures or ()]
        known = None if loaded is None else examples[loaded]
        count = int(latents) if model.most_latents and latents is not None else None
        try:
            example = from_form(shown, (question or "", choices or "", right or ""), known)
            with one_at_a_time:
                return answer_html(ask(model, example, lines(answers or ""), count))
        except LivrError as error:
            return error_html(_with_names(str(error), shown))
        except torch.OutOfMemoryError:
            return error_html(_FULL)

    with gr.Blocks(title=f"LIVR: {name}", analytics_enabled=False) as blocks:
        gr.HTML(_head(model, name))
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                form, loaded, button = _form(model)
            with gr.Column(min_width=320):
                result = gr.HTML(_WAITING, elem_id="answer")
        if examples:
            _examples(examples, [*form[:4], loaded, result])
        gr.on(
            [button.click, form[1].submit],
            answer,
            [*form, loaded],
            result,
            api_name="ask",
            concurrency_limit=1,
        )
    return blocks


def _head(model: Model, name: str) -> str:
    latents = str(model.in_words("keep")).replace("keep", str(model.most_latents))
    facts = escape(f"{name}, latents: {latents}")
    return f'<div class="livr head"><h1>LIVR playground</h1><p>{facts}</p></div>'


def _form(model: Model) -> tuple[list[gr.components.Component], gr.State, gr.Button]:
    """What is asked: pictures, question, choices, right answer, answers to compare, latents."""
    pictures = gr.Gallery(
        label="Pictures, in order",
        elem_id="pictures",
        file_types=["image"],
        format="png",
        columns=3,
        height=230,
        object_fit="contain",
        interactive=True,
        sources=["upload", "clipboard"],
        buttons=[],
    )
    question = gr.Textbox(label="Question", lines=2, max_lines=8, submit_btn=False)
    choices = gr.Textbox(
        label="Choices", info="One a line. Empty: an open question.", lines=2, max_lines=26
    )
    button = gr.Button("Ask", variant="primary")
    most = model.most_latents
    with gr.Accordion("More", open=False):
        right = gr.Textbox(
            label="Right answer", info="If it is known. Of a choice its letter: A is the first."
        )
        answers = gr.Textbox(
            label="Answers to compare",
            info="Of an open question: how likely is each? One a line.",
            lines=2,
            max_lines=26,
        )
        latents = gr.Slider(
            1,
            max(most, 2),
            value=most or 1,
            step=1,
            label="Latents",
            info="Only the first so many are in the prompt.",
            visible=most > 1,
        )
    return [pictures, question, choices, right, answers, latents], gr.State(None), button


def _examples(examples: Sequence[Example], into: Sequence[gr.components.Component]) -> None:
    """Thumbnails of questions; a click fills the form and takes the last answer away."""

    def load(chosen: gr.SelectData) -> tuple[object, ...]:
        example = examples[chosen.index]
        pictures = list(map(_shown, example.images))
        return pictures, *fields(example), chosen.index, _WAITING

    thumbnails = gr.Gallery(
        [_shown(example.images[0]) for example in examples],
        label="Questions of the data set: a click fills the form",
        elem_id="questions",
        columns=6,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
    )
    thumbnails.select(load, None, into, api_name="load", show_progress="hidden")


def _shown(image: ImageInput) -> str | Image.Image:
    """A picture as a gallery takes it: a file, or what can be made one without loss."""
    return storable(image) if isinstance(image, Image.Image) else str(image)


def _with_names(message: str, files_given: Sequence[str]) -> str:
    """Pictures are named as their owner named them, not by where they are kept meanwhile."""
    for file in files_given:
        message = message.replace(file, Path(file).name)
    return message
