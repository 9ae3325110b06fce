"""The exported chat template: latents once, in the last user turn, the rest as it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from livr.export.template import response_template, text_of_image, with_latents
from livr.mini.tokenizer import CHAT_TEMPLATE
from tests.families import qwen

LATENTS = "<|latent_0|><|latent_1|><|latent_2|>"
IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
# A template that opens with text and an indented loop: a prefix must not eat their white space.
LOOSE = "\n  Chat\n  {% for m in messages %}[{{ m.role }}] {{ m.content }}\n  {% endfor %}"
# As Qwen2.5-VL's: a conversation without a system prompt gets one.
DEFAULTED = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}" + qwen.TEMPLATE
)
ORIGINALS = {
    "qwen": qwen.TEMPLATE,
    "mini": CHAT_TEMPLATE,
    "loose": LOOSE,
    "defaulted": DEFAULTED,
}


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "string": [{"role": "user", "content": "How many?"}],
    "image, then text": [{"role": "user", "content": [{"type": "image"}, text("How many?")]}],
    "images between texts": [
        {"role": "user", "content": [text("One "), {"type": "image"}, text(" and "), text("two")]}
    ],
    "only an image": [{"role": "user", "content": [{"type": "image"}]}],
    "system prompt": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "image"}, text("How many?")]},
    ],
    "several turns": [
        {"role": "user", "content": [{"type": "image"}, text("First?")]},
        {"role": "assistant", "content": "7"},
        {"role": "user", "content": "Second?"},
    ],
    "answered": [
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": [text("7")]},
    ],
}


def render(template: str, messages: list[dict[str, Any]], **options: Any) -> str:
    tok = qwen.make_tokenizer()
    tok.chat_template = template
    return str(tok.apply_chat_template(messages, tokenize=False, **options))


def with_text(messages: list[dict[str, Any]], placement: str) -> list[dict[str, Any]]:
    """The same conversation, latents put into the last user turn by hand."""
    last = max(i for i, m in enumerate(messages) if m["role"] == "user")
    content = messages[last]["content"]
    if isinstance(content, str):
        new: Any = content + LATENTS if placement == "after" else LATENTS + content
    else:
        images = [i for i, item in enumerate(content) if item["type"] == "image"]
        place = len(content) if placement == "after" else max(images, default=-1) + 1
        new = [*content[:place], text(LATENTS), *content[place:]]
    return [*messages[:last], {"role": "user", "content": new}, *messages[last + 1 :]]


@pytest.mark.parametrize("generation", [True, False])
@pytest.mark.parametrize("original", ORIGINALS)
@pytest.mark.parametrize("placement", ["after", "before"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_equals_latents_put_in_by_hand(name, placement, original, generation) -> None:
    messages = CONVERSATIONS[name]
    exported = with_latents(ORIGINALS[original], 3, placement, IMAGE)
    options = {"add_generation_prompt": generation}
    by_hand = render(ORIGINALS[original], with_text(messages, placement), **options)
    assert render(exported, messages, **options) == by_hand
    assert by_hand.count("<|latent_0|>") == 1
    # A conversation that brings its latents is left alone.
    assert render(exported, with_text(messages, placement), **options) == by_hand


@pytest.mark.parametrize("placement", ["after", "before"])
@pytest.mark.parametrize("role", ["system", "assistant"])
def test_without_a_user_turn_nothing_changes(role, placement) -> None:
    messages = [{"role": role, "content": "Be short."}]
    exported = with_latents(qwen.TEMPLATE, 3, placement, IMAGE)
    assert render(exported, messages) == render(qwen.TEMPLATE, messages)


def test_before_the_question_in_a_text_with_an_image() -> None:
    exported = with_latents(qwen.TEMPLATE, 3, "before", IMAGE)
    rendered = render(exported, [{"role": "user", "content": f"{IMAGE}How many?"}])
    assert f"{IMAGE}{LATENTS}How many?" in rendered


def test_the_callers_messages_are_not_changed() -> None:
    messages = [{"role": "user", "content": [{"type": "image"}, text("How many?")], "name": "Q"}]
    render(with_latents(qwen.TEMPLATE, 3, "after", IMAGE), messages)
    assert messages[0]["content"] == [{"type": "image"}, text("How many?")]


def test_pictures_as_servers_name_them() -> None:
    content = [{"type": "image_url", "image_url": {"url": "x"}}, text("How many?")]
    rendered = render(
        with_latents(CHAT_TEMPLATE, 3, "before", IMAGE), [{"role": "user", "content": content}]
    )
    assert f"{IMAGE}{LATENTS}How many?" in rendered


def test_without_latents_the_template_is_untouched() -> None:
    assert with_latents(qwen.TEMPLATE, 0, "after", IMAGE) == qwen.TEMPLATE


def test_no_loop_over_content() -> None:
    """Servers take such a loop for a sign that the template wants lists."""
    from jinja2 import Environment, nodes

    for placement in ("after", "before"):
        tree = Environment().parse(with_latents("", 3, placement, IMAGE))
        loops = [loop.iter for loop in tree.find_all(nodes.For)]
        assert loops
        assert all(
            (isinstance(i, nodes.Name) and i.name == "messages")
            or (isinstance(i, nodes.Call) and i.node.name == "range")
            for i in loops
        )


def test_the_text_of_an_image(checkpoints) -> None:
    from livr.backbones.processor import load_processor

    assert text_of_image(load_processor(str(checkpoints("qwen3_vl")))) == IMAGE


@pytest.mark.parametrize("original", ["qwen", "mini", "defaulted"])
def test_the_server_finds_the_answer(original) -> None:
    """transformers' server guesses Qwen's header; the embedded model has another."""
    from transformers.cli.serving.utils import get_response_template

    tok = qwen.make_tokenizer()
    tok.chat_template = with_latents(ORIGINALS[original], 3, "after", IMAGE)
    found = response_template(tok, "<|im_end|>")
    assert (found is None) == (original != "mini")
    tok.response_template = found
    model = SimpleNamespace(config=SimpleNamespace(model_type="qwen3_vl"))
    prompt = render(tok.chat_template, CONVERSATIONS["several turns"], add_generation_prompt=True)
    said = tok("the first<|im_end|>")["input_ids"]
    message = tok.parse_response(said, get_response_template(tok, model), prefix=prompt)
    assert message["content"] == "the first"
