"""The published numbers, held against the means that the paper prints itself."""

from __future__ import annotations

import pytest

from livr.analysis.ablate.grid import load_grid
from livr.analysis.compare import compare
from livr.analysis.compare_outcomes import Outcomes
from livr.analysis.paper.column_mean import column_means
from livr.analysis.paper.published import beside, find_table, newcombe, tables
from livr.data.sources.blink import SUBSETS
from livr.errors import ConfigError
from livr.recipes import FOLDER

MEANS = {
    ("table1", "Qwen2.5-VL-3B"): {"zero_shot": 43.67, "sft": 61.61, "livr": 67.85},
    ("table1", "Qwen3-VL-4B"): {"zero_shot": 59.61, "sft": 74.12, "livr": 77.55},
    ("table1", "LLaVA-OV-1.5-4B"): {"zero_shot": 44.24, "sft": 63.70, "livr": 69.30},
    ("table2", "Qwen3-VL-4B"): {"zero_shot": 48.64, "sft": 69.60, "livr": 72.37},
}


@pytest.mark.parametrize("place", MEANS, ids=str)
def test_the_means_are_those_of_the_paper(place: tuple[str, str]) -> None:
    name, backbone = place
    for method, mean in MEANS[place].items():
        values = [v for v in tables()[name].values[backbone][method] if v is not None]
        assert sum(values) / len(values) == pytest.approx(mean, abs=0.011)


def test_every_row_has_a_value_per_task() -> None:
    for table in tables().values():
        for methods in table.values.values():
            for values in methods.values():
                assert len(values) == len(table.tasks)


def test_accuracies_are_whole_questions_where_the_test_set_is_known() -> None:
    table = tables()["table1"]
    for methods in table.values.values():
        for values in methods.values():
            for value, n in zip(values, table.tasks.values(), strict=True):
                assert value is not None and n is not None
                assert abs(value * n / 100 - round(value * n / 100)) < 0.011 * n / 100 + 1e-9


def ours() -> list[Outcomes]:
    return [
        Outcomes("counting", "sft", 42, "1" * 60 + "0" * 40, 0.1, "q", "s", "Qwen/Qwen3-VL-4B-X"),
        Outcomes("counting", "livr", 42, "1" * 70 + "0" * 30, 0.1, "q", "s", "mini"),
    ]


def test_ours_stand_beside_theirs() -> None:
    table = find_table("table1")
    rows = {(r.task, r.method): r for r in beside(compare(ours()), table, "Qwen3-VL-4B")}
    assert len(rows) == 27
    row = rows["counting", "livr"]
    assert row.ours is not None and row.difference is not None and row.interval is not None
    assert row.difference == pytest.approx(0.70 - 0.6667)
    assert row.interval.low < row.difference < row.interval.high
    assert row.paper_gain == pytest.approx(-0.0019)
    assert row.our_gain == pytest.approx(0.1)
    assert rows["counting", "sft"].paper_gain is None
    assert rows["jigsaw", "livr"].ours is None


def test_the_backbone_is_the_one_that_was_run() -> None:
    table = find_table("table1")
    assert table.column(None, ["Qwen/Qwen3-VL-4B-Instruct"]) == "Qwen3-VL-4B"
    assert table.column(None, ["lmms-lab/LLaVA-OneVision-1.5-4B-Instruct"]) == "LLaVA-OV-1.5-4B"
    assert table.column(None, ["mini"]) == "Qwen2.5-VL-3B"
    assert table.column("qwen3-vl-4b", []) == "Qwen3-VL-4B"
    with pytest.raises(ConfigError, match="no backbone nope"):
        table.column("nope", [])
    with pytest.raises(ConfigError, match="table1: Single task"):
        find_table("nope")


def test_newcombe_with_equal_shares_is_around_nothing() -> None:
    found = newcombe(0.5, 100, 0.5, 100)
    assert found.low == pytest.approx(-found.high)
    assert found.high == pytest.approx(0.136, abs=0.002)


def five(method: str, seed: int, *right: int) -> list[Outcomes]:
    """Results on the parts of BLINK-5, ten questions each; the last two under BLINK's own names."""
    names = (
        "blink_counting",
        "blink_iq",
        "blink_jigsaw",
        "Relative_Reflectance",
        "Spatial_Relation",
    )
    return [
        Outcomes(name, method, seed, "1" * n + "0" * (10 - n), 0.5, name, "s", "Qwen2.5-VL-7B")
        for name, n in zip(names, right, strict=False)
    ]


def test_blink5_is_the_mean_over_its_five_parts() -> None:
    table = find_table("table5")
    runs = [*five("sft", 1, 5, 5, 5, 5, 5), *five("sft", 2, 5, 5, 5, 5, 5),
            *five("livr", 1, 5, 6, 7, 8, 9), *five("livr", 2, 5, 6, 7, 8, 10),
            *five("zero_shot", 1, 1, 2, 3)]  # fmt: skip
    found = beside(compare(runs), table, "Qwen2.5-VL-7B", column_means(runs, table.means, "sft"))
    rows = {(row.task, row.method): row for row in found}
    livr = rows["blink5", "livr"]
    assert livr.ours == pytest.approx(0.71)
    assert livr.difference == pytest.approx(0.71 - 0.5428)
    assert livr.our_gain == pytest.approx(0.21)
    assert livr.gain_interval is not None
    assert livr.gain_interval.low < 0.21 < livr.gain_interval.high
    assert (livr.interval, livr.missing) == (None, ())
    part = rows["blink5", "zero_shot"]
    assert (part.ours, part.difference) == (None, None)
    assert part.missing == ("blink_reflectance", "blink_relation")
    assert rows["blink5", "lvr"].missing == ()
    assert rows["mmvp", "livr"].ours is None


def test_a_gain_needs_the_reference_on_every_part() -> None:
    runs = [*five("sft", 1, 5, 5, 5, 5), *five("livr", 1, 5, 6, 7, 8, 9)]
    mean = column_means(runs, find_table("table5").means, "sft")["blink5", "livr"]
    assert mean.accuracy == pytest.approx(0.7)
    assert (mean.gain, mean.gain_interval) == (None, None)


def test_the_parts_of_a_mean_are_tests_of_the_shipped_grid() -> None:
    for name, grid in (("table4", "table4-qwen2.5"), ("table5", "table5-qwen2.5")):
        tests = load_grid(FOLDER / "paper" / f"{grid}.yaml").tasks[0].tested
        table = find_table(name)
        for column, parts in table.means.items():
            assert column in table.tasks
            for part, subset in parts.items():
                assert subset in SUBSETS
                assert tests[part].endswith(f"/{subset}")
        assert set(table.tasks) - set(table.means) <= set(tests)


def test_gains_are_over_the_same_method_on_both_sides() -> None:
    runs = [Outcomes("counting", "zero_shot", 42, "1" * 50 + "0" * 50, 0.1, "q", "s", "mini")]
    lines = compare([*ours(), *runs], "zero_shot")
    found = beside(lines, find_table("table1"), "Qwen3-VL-4B", reference="zero_shot")
    row = next(r for r in found if (r.task, r.method) == ("counting", "livr"))
    assert row.paper_gain == pytest.approx(0.6667 - 0.5852)
    assert row.our_gain == pytest.approx(0.2)
