"""One question is held to what is asked of a row of a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import tiny

import livr
from livr.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("question", "choices", "reason"),
    [
        ("", None, "the question is empty"),
        (" <image> ", None, "the question is empty"),
        ("Which?", [], "0 choices; expected 2 to 26, or none at all"),
        ("Which?", ["one"], "1 choice; expected 2 to 26, or none at all for an open question"),
        ("Which?", list(map(str, range(27))), "27 choices; expected 2 to 26"),
        ("Which?", ["one", "one"], "the same choice twice: 'one'"),
        ("Which?", ["one", " "], "choice B is empty"),
        ("Which?", "yes", r"give a list of them: choices=\['yes'\]"),
        ("Which?", [1, 2], "choices is of type list; give Sequence"),
        (None, None, "question is None; give str"),
    ],
)
def test_what_is_no_question_is_refused_before_a_model_is_loaded(
    question: Any, choices: Any, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        livr.predict("no/checkpoint", [tiny.picture(0)], question, choices)


def test_a_single_picture_needs_no_list(checkpoints, tmp_path: Path) -> None:
    model = livr.load(checkpoints("qwen3_vl"))
    file = tmp_path / "one.png"
    tiny.picture(3).save(file)
    expected = livr.predict(model, [file], "How many?")
    for one in (file, str(file), tiny.picture(3)):
        assert livr.predict(model, one, "How many?") == expected
    with pytest.raises(ConfigError, match="no image to ask about"):
        livr.predict(model, [], "How many?")


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_picture_that_cannot_be_read_is_told_before_a_model_is_loaded(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "nothere.png"
    reason = "cannot be read: No such file" if content is None else "is not an image file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=f"^the image {file} {reason}"):
        livr.predict("no/checkpoint", [tiny.picture(0), file], "Which?")


def test_a_question_has_no_id_that_nobody_gave_it(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"))
    with pytest.raises(DataError, match=r"^1 image\(s\) but 2 place\(s\)"):
        livr.predict(model, tiny.picture(0), "Is <image> like <image>?")


def test_the_command_refuses_choices_that_no_letter_names(
    tmp_path: Path, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    tiny.picture(0).save(tmp_path / "one.png")
    asked = ("predict", "mini", "--image", tmp_path / "one.png", "--question", "Which?")
    code, out, err = livr_command(*asked, *(word for i in range(30) for word in ("--choice", i)))
    assert (code, out) == (2, "")
    assert "30 choices; expected 2 to 26" in " ".join(err.split())
    code, out, _ = livr_command(*asked)
    assert code == 0 and out.strip()
