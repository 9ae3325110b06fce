"""The page says of its runs what their settings say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysis.synthetic import make_runs
from tests.analysis.test_report import text_of

from livr.analysis.compare_outcomes import outcomes_of
from livr.analysis.how_trained import what_trains
from livr.analysis.report import write_report
from livr.analysis.runs import Run, read_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return read_runs(make_runs(tmp_path_factory.mktemp("runs"), ("counting",), seeds=1))


@pytest.mark.parametrize(
    ("tunes", "words"),
    [
        ({"sft": "lora", "livr": "lora"}, "trains LoRA adapters with a loss on the answer alone. "
         "LIVR does the same and adds latents to the prompt"),
        ({"sft": "full", "livr": "full"}, "trains the whole language model with a loss on the "
         "answer alone. LIVR does the same and adds"),
        ({"sft": "full", "livr": "lora"}, "LIVR trains LoRA adapters with the same loss and adds"),
        ({"livr": "full"}, "How LIVR trains LIVR trains the whole language model with a loss"),
        ({"sft": None, "livr": None}, "trains the language model with a loss on the answer alone"),
    ],
)  # fmt: skip
def test_the_page_says_what_its_runs_trained(
    tunes: dict[str, str | None], words: str, runs: list[Run], tmp_path: Path
) -> None:
    shown = [
        replace(outcomes_of(run), run=None)
        if tunes[run.method] is None
        else replace(run, config=run.config | {"tune": tunes[run.method]})
        for run in runs
        if run.method in tunes
    ]
    write_report(tmp_path / "page.html", shown)
    text = text_of(tmp_path / "page.html")
    assert words in text
    assert ("LoRA" in text) is ("lora" in tunes.values())
    assert ("What differs between direct SFT and LIVR" in text) is (len(tunes) == 2)


def test_a_page_without_the_two_methods_says_nothing_of_how_they_train(
    runs: list[Run], tmp_path: Path
) -> None:
    others = [replace(run, method="mask_only", config=run.config | {"method": "mask_only"})
              for run in runs if run.method == "livr"]  # fmt: skip
    write_report(tmp_path / "page.html", others)
    text = text_of(tmp_path / "page.html")
    assert "LoRA" not in text and "In stage 1 neither" not in text and "Drawn by the" not in text
    sft = [run for run in runs if run.method == "sft"]
    write_report(tmp_path / "page.html", sft)
    text = text_of(tmp_path / "page.html")
    assert "How direct SFT trains" in text and "latents to the prompt" not in text


def test_a_grids_name_of_a_method_is_understood(runs: list[Run]) -> None:
    run = next(run for run in runs if run.method == "livr")
    named = replace(run, method="livr latents.num=4")
    assert what_trains([outcomes_of(named)]) == {"livr": "LoRA adapters"}
    bare = replace(outcomes_of(named), run=None)
    assert what_trains([bare]) == {"livr": "the language model"}
    assert what_trains([bare, outcomes_of(run)]) == {"livr": "the language model"}


def test_settings_are_shown_as_they_are_written(runs: list[Run], tmp_path: Path) -> None:
    run = next(run for run in runs if run.method == "livr")
    write_report(tmp_path / "page.html", [replace(run, config=run.config | {"out": "Äpfel"})])
    assert "out: Äpfel" in (tmp_path / "page.html").read_text(encoding="utf-8")
