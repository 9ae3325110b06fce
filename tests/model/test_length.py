"""What is longer than a model takes is refused wherever it is asked, and by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import livr
from livr.config import LatentsConfig
from livr.data.example import Example
from livr.data.store import write_dataset
from livr.errors import DataError
from tests import tiny

TOO_LONG = r"example long: the sequence has [\d,]+ tokens .* more than the model takes \(2,048\)"


def _examples(folder: Path) -> list[Example]:
    """A question that fits, and one whose text alone does not."""
    path = folder / "noise.png"
    tiny.picture(1).save(path)
    short = Example(id="short", images=(path,), question="What?", answer="noise")
    long = Example(id="long", images=(path,), question="How many? " * 1200, answer="7")
    return [short, long]


@pytest.fixture(scope="module")
def mini() -> livr.Model:
    return livr.load("mini", device="cpu")


def test_a_question_too_long_is_refused_instead_of_answered(
    mini: livr.Model, tmp_path: Path
) -> None:
    for ask in (mini.generate, mini.logits):
        with pytest.raises(DataError, match=TOO_LONG):
            ask(_examples(tmp_path))
    assert len(mini.generate(_examples(tmp_path)[:1])) == 1


def test_the_latents_and_the_answer_count(tmp_path: Path) -> None:
    model = livr.load("mini", device="cpu", latents=LatentsConfig(num=16))
    _, long = _examples(tmp_path)
    spare = model.length(long).total - model.length.limit
    # Shorten it until it fits to the token, then by as many as the latents take.
    words = long.question.split(" ")
    fitting = next(
        row
        for n in range(len(words) - spare // 3, 0, -1)
        if model.length(row := long.model_copy(update={"question": " ".join(words[:n])})).total
        <= model.length.limit
    )
    model.logits([fitting])
    room = model.length.limit - model.length(fitting).total
    longer = fitting.model_copy(update={"answer": fitting.answer * (room + 2)})
    assert model.length(longer).total > model.length.limit
    with pytest.raises(DataError, match=TOO_LONG):
        model.logits([longer])
    model.logits([longer], latents="drop")
    model.generate([longer])


@pytest.mark.parametrize("keep", [True, False])
def test_training_stops_before_its_first_step_and_leaves_no_folder(
    keep: bool, tmp_path: Path
) -> None:
    short, long = _examples(tmp_path)
    rows = [short.model_copy(update={"id": f"short-{i}"}) for i in range(3)]
    write_dataset(tmp_path / "set", {"train": [*rows, long]})
    with pytest.raises(DataError, match=TOO_LONG):
        livr.train(
            "mini",
            tmp_path / "set",
            recipe="sft",
            out=tmp_path / "run",
            settings=[f"cache_vision={str(keep).lower()}"],
        )
    assert not (tmp_path / "run").exists()


def test_evaluation_names_the_row(mini: livr.Model, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", {"test": _examples(tmp_path)})
    with pytest.raises(DataError, match=TOO_LONG):
        livr.evaluate(mini, tmp_path / "set")
