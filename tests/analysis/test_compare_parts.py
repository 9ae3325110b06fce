"""A run that was asked several tasks at once is compared with runs that were asked one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from livr.analysis.compare import compare
from livr.analysis.compare_outcomes import Outcomes, outcomes_of
from livr.analysis.compare_parts import by_part
from livr.analysis.how_trained import settings_of
from livr.analysis.runs import Point, Run
from livr.errors import DataError
from livr.evaluate.score import Prediction


def run(method: str, letters: dict[str, str], *, asked: str = "x", data: str = "") -> Outcomes:
    """Right where a letter is 1, task by task; `asked` tells the pictures."""
    rows = tuple(
        Prediction(id=f"{task}-{i}", prediction=bit, answer="1", correct=bit == "1", text=bit,
                   task=task if len(letters) > 1 else None, asked=asked and f"{asked} {task} {i}")
        for task, bits in letters.items() for i, bit in enumerate(bits)
    )  # fmt: skip
    task = next(iter(letters)) if len(letters) == 1 else "mixed"
    path = Path(f"{method}-{task}{data}")
    config = {"method": method, "data": data} if data else {}
    points = (Point("stage1", 1, 0.5),)
    return outcomes_of(Run(path, task, method, 1, {}, config, points, points, rows))


BOTH = {"counting": "0011", "jigsaw": "01"}


def test_the_common_task_is_paired() -> None:
    found, said = by_part([run("sft", BOTH), run("livr", {"counting": "0111"})])
    assert not said
    assert [(one.task, one.method) for one in found] == [
        ("counting", "sft"), ("jigsaw", "sft"), ("counting", "livr"),
    ]  # fmt: skip
    line = compare(found)[1]
    assert (line.method, line.task) == ("livr", "counting")
    assert line.against is not None and line.against.delta == 0.25
    part = found[0].run
    assert part is not None and len(part.predictions) == 4
    assert not part.loss and not part.val_accuracy  # these are of all tasks together


def test_the_settings_of_a_run_stand_once_on_a_page() -> None:
    found, _ = by_part([run("sft", BOTH, data="/d/both"), run("livr", {"counting": "0111"})])
    folders = [one.run for one in found if one.run]
    assert len(folders) == 3 and len(settings_of(folders)) == 1


def test_one_method_trained_on_one_task_and_on_several_has_two_names() -> None:
    found, _ = by_part([run("sft", {"counting": "0000"}), run("sft", BOTH, data="/d/both")])
    names = [(line.task, line.method) for line in compare(found)]
    assert names == [("counting", "sft"), ("counting", "sft data=both"), ("jigsaw", "sft")]


@pytest.mark.parametrize("other", [
    run("livr", {"counting": "01"}), run("livr", {"counting": "0111"}, asked="y"),
])  # fmt: skip
def test_what_was_asked_other_questions_is_named_and_left_as_it_is(other: Outcomes) -> None:
    whole = run("sft", BOTH)
    found, (sentence,) = by_part([whole, other])
    assert found == [whole, other]
    assert "sft-mixed was asked several tasks at once, livr-counting only counting" in sentence
    assert "Evaluate both on the same data set" in sentence


def test_nothing_is_taken_apart_or_said_where_nothing_is_shared() -> None:
    runs = [run("sft", BOTH), run("livr", BOTH), run("livr", {"vsp": "01"})]
    assert by_part(runs) == (runs, [])


def test_equal_ids_and_answers_with_other_pictures_are_not_paired() -> None:
    one, other = (run(m, {"counting": "01"}, asked=a) for m, a in (("sft", "x"), ("livr", "y")))
    older = run("livr", {"counting": "01"}, asked="")
    assert not older.asked and one.questions == other.questions == older.questions
    with pytest.raises(DataError, match="ids and answers are the same, pictures or texts are not"):
        compare([one, other])
    # Also behind one that does not know what it was asked.
    with pytest.raises(DataError, match="sft-counting and livr-counting answered different"):
        compare([replace(older, method="a", source="a"), one, other])
    assert compare([one, older])[1].against is not None
