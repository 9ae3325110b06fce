"""Answers are trained as the checkpoint's own chat template writes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import livr
from livr.model.turns import Turns
from tests import tiny
from tests.families import BUILDERS

SPACED = ("smolvlm", "idefics3", "llava", "llava_next")
"""Families whose templates write a space before an answer."""


@pytest.mark.parametrize("family", BUILDERS)
def test_an_answer_has_the_tokens_that_the_template_gives_it(family, tmp_path) -> None:
    model = livr.load(BUILDERS[family](tmp_path / family))
    for answer in ("B", "7", "a red fish"):
        _compare(model, answer)
    (row,) = model.encode(tiny.examples()[:1], "keep", answer=True)
    own = model.encoder.turns.answer(tiny.examples()[0].answer)
    assert row.ids_T[row.answer_start :].tolist() == [*own, model.encoder.end_of_turn]
    assert (model.tokenizer.decode(own)[0] == " ") == (family in SPACED)


def _compare(model: livr.Model, answer: str) -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Which?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
    text = model.processor.apply_chat_template(messages, tokenize=False)
    whole = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    said = model.encoder.turns.answer(answer)
    places = [i for i in range(len(whole)) if whole[i : i + len(said)] == said]
    assert places, (text, said)
    assert model.tokenizer.decode(said).strip() == answer


def test_the_embedded_models_answers_begin_at_once() -> None:
    model = livr.load("mini")
    for answer in ("A", "7", "several words"):
        alone = model.tokenizer(answer, add_special_tokens=False)["input_ids"]
        assert model.encoder.turns.answer(answer) == alone


def test_thoughts_that_a_template_writes_are_no_part_of_an_answer() -> None:
    processor = livr.load("mini").processor

    def template(messages, tokenize, add_generation_prompt) -> str:
        return "".join(
            f"{m['role']}:" + "<think></think> " * (m["role"] == "assistant")
            + m["content"][0]["text"] + "\n"
            for m in messages
        ) + "assistant:" * add_generation_prompt  # fmt: skip

    odd = SimpleNamespace(tokenizer=processor.tokenizer, apply_chat_template=template)
    alone = processor.tokenizer("B", add_special_tokens=False)["input_ids"]
    assert Turns(odd).answer("B") == alone
