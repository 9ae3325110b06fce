"""`livr compare` and `livr report` on invented runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.analysis.synthetic import make_runs

from livr.analysis import compare as comparing
from livr.analysis import compare_mean as averaging
from livr.data.store import load_split
from livr.evaluate.asked import hashes
from livr.evaluate.score import Prediction, read_predictions, write_predictions

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    make_runs(root, ("counting",), seeds=2)
    return root / "runs"


def test_compare_prints_a_table_that_fits_a_terminal(runs: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("compare", runs)
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if "%" in line][1:] == ["zero-shot", "direct", "LIVR"]
    assert not any("…" in line for line in lines)


def test_compare_prints_json(runs: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("compare", runs, "--json")
    assert code == 0
    found = json.loads(out)
    assert len(found["rows"]) == 5
    assert found["summary"]["reference"] == "sft"


@pytest.mark.parametrize("flag", [(), ("--json",)])
def test_what_takes_long_is_done_once(
    flag: tuple[str, ...], runs: Path, livr_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    for module, name in ((comparing, "compare"), (averaging, "means")):
        real = getattr(module, name)

        def counted(*args: Any, _real: Any = real, _name: str = name, **options: Any) -> Any:
            calls.append(_name)
            return _real(*args, **options)

        monkeypatch.setattr(module, name, counted)
    assert livr_command("compare", runs, *flag)[0] == 0
    assert sorted(calls) == ["compare", "means"]


def test_a_reference_that_is_not_there_is_named(runs: Path, livr_command: Command) -> None:
    code, _, said = livr_command("compare", runs, "--reference", "latents_only")
    assert code == 0
    assert "--reference: 'zero_shot', 'sft', 'livr'" in " ".join(said.split())
    assert "--reference" not in livr_command("compare", runs)[2]


def test_a_method_that_is_not_there_is_named(
    runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    out = tmp_path / "page.html"
    code, _, said = livr_command("report", runs, "--out", out, "--method", "nope")
    said = " ".join(said.split())
    assert code == 0 and out.is_file()
    assert "'nope', so no answers stand side by side. --method: 'livr', 'sft', 'zero_shot'" in said
    said = livr_command("report", runs, "--out", out, "--reference", "nope")[2]
    assert "'nope', so there are no differences. --reference: 'livr'" in " ".join(said.split())
    assert "Nothing is called" not in livr_command("report", runs, "--out", out)[2]


def test_a_report_says_that_its_questions_are_gone(tmp_path: Path, livr_command: Command) -> None:
    make_runs(tmp_path, ("counting",), seeds=1)
    out = tmp_path / "page.html"
    assert "is gone" not in livr_command("report", tmp_path / "runs", "--out", out)[2]
    assert "Questions and answers" in out.read_text(encoding="utf-8")
    shutil.rmtree(tmp_path / "data")
    code, _, said = livr_command("report", tmp_path / "runs", "--out", out)
    assert code == 0
    assert f"the data set {tmp_path / 'data/counting'} is gone" in " ".join(said.split())
    assert "Questions and answers" not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verb", "option", "name"), [("report", "--out", "x.html"), ("compare", "--figure", "x.png")]
)
def test_a_place_that_cannot_be_written_is_refused_first(
    verb: str, option: str, name: str, tmp_path: Path, livr_command: Command
) -> None:
    (tmp_path / "file").write_text("")
    # No run is read before: this folder holds none.
    code, out, said = livr_command(verb, tmp_path / "none", option, tmp_path / "file" / name)
    assert (code, out) == (2, "")
    assert "is not a folder, so nothing can be written below it" in " ".join(said.split())


def test_report_writes_one_file(runs: Path, tmp_path: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("report", runs, "--out", tmp_path)
    assert (code, out) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_report_holds_audits(runs: Path, tmp_path: Path, livr_command: Command) -> None:
    audits = Path(__file__).parents[2] / "evidence"
    names = [f"audit-visual_similarity-{of}.json" for of in ("livr", "latents_only")]
    given = [word for name in names for word in ("--audit", audits / name)]
    out = tmp_path / "page.html"
    assert livr_command("report", runs, *given, "--out", out)[0] == 0
    assert "visual_similarity-latents_only-42" in out.read_text(encoding="utf-8")
    out.unlink()
    code, _, said = livr_command("report", runs, "--audit", tmp_path / "none", "--out", out)
    assert code == 2
    assert "no such file. livr audit RUN" in " ".join(said.split())
    assert not out.exists(), "half of what was asked is not a report"


PARTS = ("Counting", "IQ_Test", "Jigsaw", "Relative_Reflectance", "Spatial_Relation")


def blink_run(root: Path, method: str, parts: tuple[str, ...]) -> None:
    """A run tested on several subsets of BLINK at once; every other answer is right."""
    folder = root / method
    folder.mkdir(parents=True)
    rows = [
        Prediction(id=f"val_{part}_{i}", prediction="AB"[i % 2], answer="A", correct=i % 2 == 0,
                   text="", task=part)
        for part in parts for i in range(4)
    ]  # fmt: skip
    write_predictions(folder / "predictions-test.jsonl", rows)
    scores = {"task": "mixed", "method": method, "seed": 1, "model": "Qwen2.5-VL-7B"}
    (folder / "scores.json").write_text(json.dumps(scores))


def test_blink5_is_filled_from_a_run_on_all_of_its_subsets(
    tmp_path: Path, livr_command: Command
) -> None:
    blink_run(tmp_path, "livr", PARTS)
    blink_run(tmp_path / "part", "zero_shot", PARTS[:3])
    folders = (tmp_path / "livr", tmp_path / "part")
    code, out, err = livr_command("compare", *folders, "--paper", "table5", "--json")
    rows = {(row["task"], row["method"]): row for row in json.loads(out)["rows"]}
    assert code == 0
    assert rows["blink5", "livr"]["ours"] == 0.5
    assert rows["blink5", "livr"]["missing"] == []
    assert rows["blink5", "zero_shot"]["missing"] == ["blink_reflectance", "blink_relation"]
    code, out, err = livr_command("compare", *folders, "--paper", "table5")
    assert code == 0
    lines = [line.split() for line in out[out.index("blink5") :].splitlines()]
    assert ["LIVR", "54.3", "%", "50.0", "%"] in [line[:5] for line in lines]
    said = " ".join(err.split())
    assert "blink5, zero-shot: a mean over 5 test sets; no result on" in said
    assert "blink_relation (BLINK Spatial_Relation)" in said
    assert "blink_jigsaw" not in said


def test_pairs_stand_in_the_table_and_on_the_page(tmp_path: Path, livr_command: Command) -> None:
    for run in make_runs(tmp_path, ("visual_similarity",), seeds=1):
        path = run / "predictions-test.jsonl"
        rows = [row.model_copy(update={"score_group": f"{i // 2}"})
                for i, row in enumerate(read_predictions(path))]  # fmt: skip
        write_predictions(path, rows)
    code, out, _ = livr_command("compare", tmp_path / "runs")
    assert (code, out.count("    10 pairs ")) == (0, 3)
    assert max(map(len, out.splitlines())) <= 80
    code, _, _ = livr_command("report", tmp_path / "runs", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert (code, page.count("<small>10 pairs<")) == (0, 3)
    assert "A group is right if all" in page


@pytest.mark.parametrize("verb", ["compare", "report"])
def test_a_wrong_folder_is_one_message(verb: str, tmp_path: Path, livr_command: Command) -> None:
    out = ("--out", tmp_path / "r.html") if verb == "report" else ()
    code, _, err = livr_command(verb, tmp_path / "nothing", *out)
    assert code == 2
    assert err.strip().endswith("is not a run folder")
    assert not list(tmp_path.iterdir())


def test_a_difference_on_fewer_seeds_is_named(
    runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    make_runs(tmp_path, ("counting",), seeds=3)
    shutil.rmtree(tmp_path / "runs/counting-livr-42")
    shutil.rmtree(tmp_path / "runs/counting-sft-44")
    _, _, said = livr_command("compare", tmp_path / "runs")
    assert (
        "counting: LIVR has 2 seed(s), direct SFT 2; the difference is over the 1 they share."
    ) in " ".join(said.split())
    assert "seed(s)" not in livr_command("compare", runs)[2]


def test_a_figure_needs_a_format(runs: Path, tmp_path: Path, livr_command: Command) -> None:
    code, out, said = livr_command("compare", runs, "--figure", tmp_path / "forest")
    assert (code, out) == (2, "")
    assert ".png, .pdf or .svg" in " ".join(said.split())
    assert not list(tmp_path.iterdir())


def test_the_format_of_a_figure_may_be_in_capitals(
    runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    assert livr_command("compare", runs, "--figure", tmp_path / "forest.PNG")[0] == 0
    assert (tmp_path / "forest.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["forest.png", "forest.pdf", "forest.svg"])
def test_a_figure_is_drawn_anew_and_a_photograph_stays(
    name: str, runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    file = tmp_path / name
    for _ in range(2):
        assert livr_command("compare", runs, "--figure", file)[0] == 0
    photo = b"\x89PNG of somebody"
    file.write_bytes(photo)
    code, out, said = livr_command("compare", runs, "--figure", file)
    assert (code, out) == (2, "")
    assert "is there already and was not written by this command" in " ".join(said.split())
    assert file.read_bytes() == photo


def test_a_report_is_written_anew_and_another_page_stays(
    runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    file = tmp_path / "index.html"
    for _ in range(2):
        assert livr_command("report", runs, "--out", file)[0] == 0
    file.write_text("<html>my home page</html>")
    code, _, said = livr_command("report", runs, "--out", file)
    assert code == 2 and "was not written by this command" in " ".join(said.split())
    assert file.read_text() == "<html>my home page</html>"


def test_a_slash_makes_a_folder_for_the_report(
    runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    code, _, said = livr_command("report", runs, "--out", f"{tmp_path}/new/")
    assert code == 0 and f"{tmp_path}/new/report.html: open it" in said
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


@pytest.mark.parametrize("verb", ["compare", "report"])
def test_a_backbone_without_a_table_is_refused(
    verb: str, runs: Path, tmp_path: Path, livr_command: Command
) -> None:
    out = ("--out", tmp_path / "r.html") if verb == "report" else ()
    code, printed, said = livr_command(verb, runs, *out, "--backbone", "foo")
    assert (code, printed) == (2, "")
    assert "--backbone foo chooses among the models of a published table; it needs --paper" in said
    assert not list(tmp_path.iterdir())


def test_a_run_on_several_tasks_beside_one_on_one_of_them(
    tmp_path: Path, livr_command: Command
) -> None:
    blink_run(tmp_path, "sft", PARTS)
    alone = tmp_path / "livr"
    alone.mkdir()
    whole = read_predictions(tmp_path / "sft" / "predictions-test.jsonl")
    rows = [row.model_copy(update={"task": None}) for row in whole if row.task == "Counting"]
    write_predictions(alone / "predictions-test.jsonl", rows)
    scores = {"task": "Counting", "method": "livr", "seed": 1}
    (alone / "scores.json").write_text(json.dumps(scores))
    code, out, said = livr_command("compare", tmp_path, "--json")
    lines = {(line["task"], line["method"]): line for line in json.loads(out)["summary"]["lines"]}
    assert code == 0 and "asked several" not in said
    assert lines["Counting", "livr"]["against"]["delta"] == 0
    page = tmp_path / "page.html"
    assert livr_command("report", tmp_path, "--out", page)[0] == 0
    assert "equally many questions right" in page.read_text()
    write_predictions(alone / "predictions-test.jsonl", rows[:-1])
    for words in (("compare", tmp_path), ("report", tmp_path, "--out", page)):
        code, _, said = livr_command(*words)
        assert code == 0
        assert f"{tmp_path}/sft was asked several tasks at once" in " ".join(said.split())


def test_a_report_shows_no_picture_that_was_not_asked(
    tmp_path: Path, livr_command: Command
) -> None:
    make_runs(tmp_path, ("counting",), seeds=1)
    page, data = tmp_path / "page.html", tmp_path / "data/counting"
    asked = hashes(load_split(data, "test"))
    for file in (tmp_path / "runs").glob("*/predictions-test.jsonl"):
        rows = [row.model_copy(update={"asked": mark})
                for row, mark in zip(read_predictions(file), asked, strict=True)]  # fmt: skip
        write_predictions(file, rows)
    livr_command("report", tmp_path / "runs", "--out", page)
    assert "data:image/jpeg" in page.read_text()
    for picture in data.rglob("*.png"):
        Image.new("RGB", (9, 9)).save(picture)
    livr_command("report", tmp_path / "runs", "--out", page)
    assert "data:image/jpeg" not in page.read_text()
