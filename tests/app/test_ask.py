"""One question in every way: what is asked, what is found, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests import tiny
from tests.families import BUILDERS

import livr
from livr.app.ask import Asked, Reply, ask, fields, from_form, ways
from livr.app.show import answer_html, error_html
from livr.data.example import Example
from livr.errors import ConfigError, DataError
from livr.evaluate.predict import as_example

CHOICES = ("a cat", "a dog", "a fox")


@pytest.fixture(scope="module")
def mini() -> livr.Model:
    model = livr.load("mini", num_latents=4)
    # Fresh latents are noise as small as words are; louder, they make a difference in all rules.
    with torch.no_grad():
        model.latents.rows.mul_(30)
    return model


@pytest.fixture(scope="module")
def plain() -> livr.Model:
    return livr.load("mini")


def question(**more: object) -> Example:
    return as_example([tiny.picture(0, (96, 64))], "Which is it?", CHOICES, **more)


def test_a_model_with_latents_is_asked_in_three_ways_and_each_is_what_it_says(mini) -> None:
    found = ask(mini, question())
    assert [r.way.name for r in found.replies] == ["ordinary", "blindfolded", "without latents"]
    given = [("ordinary", "keep"), ("bottleneck", "keep"), ("ordinary", "drop")]
    for reply, (mask, latents) in zip(found.replies, given, strict=True):
        expected = livr.predict(
            mini, found.example.images, "Which is it?", CHOICES, mask=mask, latents=latents
        )
        assert (reply.text, reply.answer) == (expected.text, expected.answer)
        (scores,) = mini.log_likelihoods([found.example], ["ABC"], mask, latents)
        assert reply.shares == pytest.approx(scores.softmax(0).tolist(), abs=1e-5)
        assert sum(reply.shares) == pytest.approx(1)
    assert len({reply.shares for reply in found.replies}) == 3
    assert found.weighed == CHOICES and found.remarks == ()


def test_fewer_latents_are_fewer(mini) -> None:
    whole, first = ask(mini, question()), ask(mini, question(), latents=1)
    assert [reply.way.latents for reply in first.replies] == [1, 1, "drop"]
    assert whole.replies[1].shares != first.replies[1].shares
    assert whole.replies[2].shares == first.replies[2].shares
    looks = (np.asarray(found.overlays["blindfolded"]) for found in (whole, first))
    assert not np.array_equal(*looks)
    for wrong in (0, 5):
        with pytest.raises(ConfigError, match=f"^{wrong} latents asked for; give 1 to 4$"):
            ask(mini, question(), latents=wrong)


def test_what_the_latents_attend_to_lies_over_the_pictures(mini) -> None:
    several = as_example([tiny.picture(0, (96, 64)), tiny.picture(1, (64, 96))], "Which?", None)
    found = ask(mini, several)
    assert list(found.overlays) == ["ordinary", "blindfolded"]
    for image in found.overlays.values():
        assert image.width > image.height > 100
        assert np.asarray(image).std() > 1


def test_a_model_without_latents_has_one_answer_and_no_overlay(plain) -> None:
    found = ask(plain, question())
    (reply,) = found.replies
    assert (reply.way.mask, reply.way.latents) == ("ordinary", "keep")
    assert (found.overlays, found.remarks) == ({}, ())
    assert sum(reply.shares) == pytest.approx(1)


def test_answers_to_an_open_question_are_weighed(plain) -> None:
    example = as_example([tiny.picture(0)], "How many balls are there?", None, "3")
    found = ask(plain, example, ["2", "3", "four"])
    (reply,) = found.replies
    (scores,) = plain.log_likelihoods([example], [["2", "3", "four"]])
    assert reply.shares == pytest.approx(scores.softmax(0).tolist(), abs=1e-5)
    assert ask(plain, example).replies[0].shares == ()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["2"], "^1 answer to compare; give 2 to 100, one a line, or none$"),
        ([str(i) for i in range(101)], "^101 answers to compare"),
        (["2", "3", "2"], "^the same answer twice: '2'$"),
    ],
)
def test_answers_that_cannot_be_weighed_are_refused(plain, answers, reason) -> None:
    example = as_example([tiny.picture(0)], "How many?", None)
    with pytest.raises(ConfigError, match=reason):
        ask(plain, example, answers)
    with pytest.raises(ConfigError, match="the choices are compared already"):
        ask(plain, question(), ["2", "3"])


def test_replies_are_held_against_the_right_answer(plain) -> None:
    said = ask(plain, question()).replies[0]
    assert said.right is None
    letters = {letter: ask(plain, question(answer=letter)).replies[0].right for letter in "ABC"}
    assert letters == {letter: letter == said.answer for letter in "ABC"}


def test_mirage_answers_and_its_answers_cannot_be_weighed(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), method="mirage")
    found = ask(model, question())
    assert [reply.shares for reply in found.replies] == [(), (), ()]
    assert len(found.remarks) == 1 and "cannot be ranked" in found.remarks[0]
    assert found.overlays == {}


def test_where_attention_cannot_be_drawn_the_rest_is_there(tmp_path: Path) -> None:
    tiles = livr.load(BUILDERS["smolvlm"](tmp_path), num_latents=2)
    found = ask(tiles, as_example([tiny.picture(0, (200, 90))], "Which is it?", CHOICES))
    assert len(found.replies) == 3 and found.overlays == {}
    assert "Attention cannot be drawn" in found.remarks[0]


def test_too_long_a_question_is_told_without_an_id(plain) -> None:
    example = as_example([tiny.picture(0)], "word " * 40_000, None)
    with pytest.raises(DataError, match=r"^the sequence has 40,\d+ tokens"):
        ask(plain, example)


def test_a_form_is_a_question_again() -> None:
    images = [tiny.picture(0)]
    form = ("Which?", " yes\n\nno \n", "B")
    made = from_form(images, form)
    assert (made.question, made.choices, made.answer) == ("Which?", ("yes", "no"), "B")
    assert fields(made) == ("Which?", "yes\nno", "B")
    assert from_form(images, ("Which?", " \n", "")).choices is None
    for wrong, reason in (
        (("", "", ""), "the question is empty"),
        (("Which?", "one", ""), "1 choice; expected 2 to 26"),
        (("Which?", "yes\nno", "no"), 'write "B" for that choice'),
    ):
        with pytest.raises(ConfigError, match=reason):
            from_form(images, wrong)


def test_a_loaded_question_keeps_what_a_form_does_not_say_until_it_is_changed() -> None:
    board = ("SF", "FG")
    loaded = Example(
        id="7", task="vsp", images=("x.png",), question="Path?", answer="R,D", board=board
    )
    shown = tiny.picture(3)
    same = from_form([shown], fields(loaded), loaded)
    assert (same.id, same.board) == ("7", board)
    assert np.array_equal(np.asarray(same.images[0]), np.asarray(shown))
    changed = from_form([shown], ("Which way?", "", "R,D"), loaded)
    assert changed.board is None and changed.question == "Which way?"
    two = Example(id="8", images=("x.png",), question="Q?", choices=("a\nb", "c"), answer="B")
    assert from_form([shown], fields(two), two).choices == ("a\nb", "c")


def asked(**more: object) -> Asked:
    example = as_example([tiny.picture(0)], "Q?", ("<b>", "${1+1}"), "A")
    (first, *_) = ways(livr.load("mini"))
    reply = Reply(first, text="B <i>", answer="B", right=False, shares=(0.25, 0.75))
    return Asked(example, example.choices, (reply,), {}, (), **more)


def test_the_page_shows_what_was_found_and_runs_nothing_of_it() -> None:
    html = answer_html(asked())
    assert "(B) ${1+1}" in html and "wrong" in html and "(A) &lt;b&gt;" in html
    assert "25 %" in html and "75 %" in html
    assert "<b>" not in html and "B &lt;i&gt;" in html
    assert "likelihood among these choices" in html
    assert "&lt;script" in error_html("<script>")


def test_overlays_are_part_of_the_page(mini) -> None:
    html = answer_html(ask(mini, question()))
    assert html.count('src="data:image/jpeg;base64,') == 2
    assert "http" not in html


def test_a_picture_is_one(tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=f"^the image {file} is not an image file"):
        from_form([file], ("Which?", "", ""))
    Image.new("RGB", (8, 8)).save(file)
    assert from_form([file], ("Which?", "", "")).images[0].size == (8, 8)
