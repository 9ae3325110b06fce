from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from livr.analysis.compare import compare, results
from livr.analysis.compare_outcomes import read_outcomes
from livr.analysis.runs import Run, read_runs
from livr.errors import DataError
from livr.evaluate.score import Prediction
from livr.evaluate.stats import wilson


def run(method: str, seed: int, outcome: str, task: str = "t") -> Run:
    """A run whose answers are right where `outcome` has a 1."""
    rows = tuple(
        Prediction(id=str(i), prediction=bit, answer="1", correct=bit == "1", text=bit)
        for i, bit in enumerate(outcome)
    )
    share = outcome.count("1") / len(outcome)
    scores = {"accuracy": share, "ci95": [0, 1]}
    return Run(Path(method), task, method, seed, scores, {}, (), (), rows)


def test_methods_stand_in_the_usual_order_and_are_paired_with_the_reference() -> None:
    lines = compare([run("livr", 1, "1111"), run("zzz", 1, "0000"), run("zero_shot", 0, "0001"),
                     run("sft", 1, "0011")])  # fmt: skip
    assert [line.method for line in lines] == ["zero_shot", "sft", "livr", "zzz"]
    zero_shot, sft, livr, _ = lines
    assert sft.against is None
    assert livr.against is not None and zero_shot.against is not None
    assert (livr.against.delta, livr.against.only_b, livr.against.only_a) == (0.5, 2, 0)
    assert zero_shot.against.delta == -0.25


def test_seeds_are_averaged_and_do_not_narrow_the_interval() -> None:
    runs = [run(m, s, "0011" if m == "sft" else "0111") for m in ("sft", "livr") for s in (1, 2)]
    sft, livr = compare(runs)
    assert (sft.seeds, sft.n, sft.accuracy) == (2, 4, 0.5)
    assert sft.ci95 == (wilson(2, 4).low, wilson(2, 4).high)
    assert livr.against is not None and livr.against.seeds == 2


def test_pairs_have_a_figure_of_their_own() -> None:
    def paired(seed: int, outcome: str) -> Run:
        made = run("sft", seed, outcome)
        rows = (
            row.model_copy(update={"score_group": f"pair {i // 2}"})
            for i, row in enumerate(made.predictions)
        )
        return replace(made, predictions=tuple(rows))

    runs = [paired(1, "11011100"), paired(2, "11111100")]
    (line,) = compare(runs)
    assert (line.n, line.accuracy) == (8, 11 / 16)
    assert line.groups is not None
    assert (line.groups.n, line.groups.accuracy) == (4, 5 / 8)
    assert line.groups.ci95 == (wilson(2.5, 4).low, wilson(2.5, 4).high)
    assert [row["groups"]["accuracy"] for row in results(runs, [], "sft")["rows"]] == [0.5, 0.75]
    assert compare([run("sft", 1, "10")])[0].groups is None


def shown(method: str, letters: str, sources: int) -> Run:
    """A run on questions about as many photographs."""
    made = run(method, 1, letters)
    rows = (
        row.model_copy(update={"sources": (f"photo {i * sources // len(letters)}",)})
        for i, row in enumerate(made.predictions)
    )
    return replace(made, predictions=tuple(rows))


def test_questions_of_one_source_are_drawn_together() -> None:
    letters = {"sft": "01" * 20, "livr": "11" * 10 + "00" * 10}

    def width(runs: list[Run]) -> float:
        effect = compare(runs)[1].effect
        assert effect is not None
        return effect.high - effect.low

    many, few = ([shown(*both, n) for both in letters.items()] for n in (20, 4))
    assert width(few) > 1.5 * width(many)
    # One of the two runs may be older than the names of sources.
    older = [replace(few[0], predictions=run("sft", 1, "01" * 20).predictions), few[1]]
    assert width(older) == width(few)


@pytest.mark.parametrize(("sources", "chance"), [(40, 2 / 2**12), (20, 2 / 2**6), (4, 2 / 2**2)])
def test_questions_of_one_source_change_sign_together(sources: int, chance: float) -> None:
    """12 of 40 questions differ: those of the first 12, 6 or 2 photographs."""
    before, after = shown("sft", "0" * 40, sources), shown("livr", "1" * 12 + "0" * 28, sources)
    line = compare([before, after])[1]
    assert line.against is not None
    assert line.against.p_value == pytest.approx(chance)
    assert line.sources == (sources if sources < 40 else 0)


def test_zero_shot_is_paired_with_every_seed() -> None:
    lines = compare([run("zero_shot", 0, "0000"), run("sft", 1, "0011"), run("sft", 2, "1111")])
    assert lines[0].against is not None
    assert lines[0].against.seeds == 2 and lines[0].against.delta == -0.75


def test_seeds_that_only_one_method_has_are_not_paired() -> None:
    runs = [run("sft", 1, "00"), run("sft", 2, "00"), run("livr", 2, "11"), run("livr", 3, "10")]
    assert compare(runs)[1].against is not None
    assert compare(runs)[1].against.seeds == 1  # type: ignore[union-attr]


def test_one_run_beside_several_is_paired_with_that_of_its_seed() -> None:
    several = [run("sft", seed, letters) for seed, letters in ((1, "0011"), (2, "1111"))]
    line = compare([*several, run("livr", 1, "0111")])[1]
    assert line.against is not None
    assert (line.against.seeds, line.against.delta) == (1, 0.25)
    assert compare([*several, run("livr", 3, "0111")])[1].against is None
    alone = compare([several[0], run("livr", 3, "0111")])[1]
    assert alone.against is not None and alone.against.delta == 0.25


def test_a_task_without_the_reference_has_no_test() -> None:
    assert compare([run("livr", 1, "01")])[0].against is None


def test_different_questions_are_not_compared() -> None:
    other = run("livr", 1, "01")
    rows = (replace_id(other.predictions[0], "x"), other.predictions[1])
    with pytest.raises(DataError, match="different questions"):
        compare([run("sft", 1, "01"), replace(other, predictions=rows)])
    with pytest.raises(DataError, match="no runs"):
        compare([])


def replace_id(row: Prediction, name: str) -> Prediction:
    return row.model_copy(update={"id": name})


def test_results_hold_a_row_per_run(tmp_path: Path) -> None:
    from tests.analysis.synthetic import make_runs

    runs = read_runs(make_runs(tmp_path, ("counting", "visual_similarity"), seeds=2))
    found = results(runs, compare(runs), "sft")
    assert len(found["rows"]) == len(runs) == 10
    assert {"task", "method", "seed", "n", "accuracy", "ci95"} <= found["rows"][0].keys()
    for row in found["rows"]:
        assert row["accuracy"] == pytest.approx(row["correct"] / row["n"])
    assert len(found["summary"]["lines"]) == 6


def test_a_results_file_knows_what_was_asked(tmp_path: Path) -> None:
    from tests.analysis.synthetic import make_grid

    file = make_grid(tmp_path, "counting", seeds=1) / "results.json"
    (run,) = {one.asked for one in read_outcomes([file])[0]}
    assert run == ""
    value = json.loads(file.read_text())
    for row in value["rows"]:
        row["asked"] = row["method"]
    file.write_text(json.dumps(value))
    with pytest.raises(DataError, match="pictures or texts are not"):
        compare(read_outcomes([file])[0])
