"""Ranked answers: the likeliest of those that are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests import tiny

import livr
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.errors import ConfigError, ModelError
from livr.evaluate.rank import MOST, known_answers, likeliest


def _question(number: int, answer: str, **more: object) -> Example:
    fields = {"images": (tiny.picture(number),), "question": "How many?", "task": "counting"}
    return Example.model_validate({"id": str(number), "answer": answer} | fields | more)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize(("mask", "latents"), [("ordinary", "keep"), ("bottleneck", 2)])
def test_a_likelihood_is_that_of_the_whole_answer_and_its_end(
    family: str, mask: str, latents: livr.model.model.Use, checkpoints: Callable[..., Path]
) -> None:
    model = livr.load(checkpoints(family), device="cpu", num_latents=3)
    asked = tiny.examples()
    answers = [("7", "seventeen of them"), ("A", "B"), ("word", "two words", "7")]
    expected = []
    for example, several in zip(asked, answers, strict=True):
        said = [example.model_copy(update={"answer": text}) for text in several]
        for row, logits_TV in zip(said, model.logits(said, mask, latents), strict=True):
            ids = [*model.encoder.turns.answer(row.answer), model.encoder.end_of_turn]
            assert len(ids) == len(logits_TV)
            logs_T = logits_TV.log_softmax(-1)[range(len(ids)), ids]
            expected.append(float(logs_T.sum()))
    for size in (1, 2, 32):
        weighed: list[int] = []
        found = model.log_likelihoods(
            asked, answers, mask, latents, batch_size=size, on_progress=weighed.append
        )
        assert [len(scores) for scores in found] == [2, 2, 3]
        assert sum(weighed) == 7
        assert torch.allclose(torch.cat(found), torch.tensor(expected), atol=1e-4), size


def test_the_likeliest_is_chosen_and_progress_counts_questions(
    checkpoints: Callable[..., Path],
) -> None:
    model = livr.load(checkpoints("qwen3_vl"), device="cpu")
    asked = [_question(n, "2") for n in range(5)]
    known = [("2", "3", "10"), ("2", "3"), ("4",), ("2", "3", "10"), ("3", "2")]
    steps: list[int] = []
    found = likeliest(model, asked, known, "ordinary", "keep", 4, steps.append)
    assert steps == [1, 2, 2]
    for example, several, text in zip(asked, known, found, strict=True):
        scores = model.log_likelihoods([example], [several])[0].tolist()
        assert scores[several.index(text)] == max(scores)


def test_open_questions_have_the_answers_of_their_task_in_training(tmp_path: Path) -> None:
    train = [_question(n, text) for n, text in enumerate(["3", "three", "3", "12", "2"])]
    other = [_question(9, "a cat", task="names"), _question(10, "The dog.", task="names")]
    test = [
        _question(20, "5"),
        _question(21, "dog", task="names"),
        _question(22, "B", choices=("one", "two", "three")),
    ]
    write_dataset(tmp_path / "set", {"train": [*train, *other], "test": test})
    # Of one answer in several spellings the commonest; never an answer of the test split.
    expected = [("12", "2", "3"), ("The dog.", "a cat"), ("A", "B", "C")]
    assert known_answers(test, tmp_path / "set") == expected
    bare = [_question(23, "5"), _question(24, "6")]
    write_dataset(tmp_path / "bare", {"test": bare})
    assert known_answers(bare, tmp_path / "bare")[0] == ("5", "6")


def test_what_cannot_be_ranked_is_refused(tmp_path: Path) -> None:
    one = [_question(1, "2"), _question(2, "2")]
    write_dataset(tmp_path / "one", {"train": one, "test": one})
    with pytest.raises(ConfigError, match=r"task counting: .* 1 different answers; .* 2 to 100"):
        known_answers(one, tmp_path / "one")
    many = [_question(n, str(n)) for n in range(MOST + 1)]
    write_dataset(tmp_path / "many", {"train": many, "test": many})
    with pytest.raises(ConfigError, match="have 101 different answers"):
        known_answers(many, tmp_path / "many")
    maze = _question(1, "R", board=("SG",))
    write_dataset(tmp_path / "maze", {"test": [maze]})
    with pytest.raises(ConfigError, match="question 1 has a board"):
        known_answers([maze], tmp_path / "maze")


def test_an_evaluation_of_the_embedded_model(tmp_path: Path) -> None:
    write_dataset(
        tmp_path / "set",
        {"train": [_question(n, str(n)) for n in range(2, 9)], "test": [_question(1, "2")]},
    )
    model = livr.load("mini", device="cpu")
    result = livr.evaluate(model, tmp_path / "set", rank=True, out=tmp_path / "ranked.json")
    assert result.score.unparsed == 0
    assert result.predictions[0].text in set("2345678")
    saved = json.loads((tmp_path / "ranked.json").read_text())
    assert saved["rank"] is True
    assert "rank" not in livr.evaluate(model, tmp_path / "set").summary()
    with pytest.raises(ConfigError, match="leave out compress"):
        livr.evaluate(model, tmp_path / "set", rank=True, compress=True, mask="bottleneck")


def test_mirage_cannot_be_ranked(checkpoints: Callable[..., Path]) -> None:
    model = livr.load(checkpoints("qwen3_vl"), device="cpu", method="mirage")
    with pytest.raises(ModelError, match="thinks before it answers"):
        model.log_likelihoods(tiny.examples(), [("A", "B")] * 3)
