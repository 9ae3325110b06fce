from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from tests.analysis.synthetic import make_runs

from livr.analysis import figures
from livr.analysis.audit.finding import Finding, Verdict
from livr.analysis.audit.result import Audit
from livr.analysis.compare import compare
from livr.analysis.compare_outcomes import Failed, outcomes_of
from livr.analysis.in_print import p_number, points
from livr.analysis.paper.published import find_table
from livr.analysis.report import verdict, write_report
from livr.analysis.runs import Run, read_runs
from livr.analysis.samples import choose, data_uri
from livr.evaluate.stats import Interval
from livr.method.bottleneck import BOTTLENECK, ORDINARY

TASKS = ("counting", "visual_similarity")
VOID = {"meta", "img", "link", "br", "hr"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return read_runs(make_runs(tmp_path_factory.mktemp("runs"), TASKS, seeds=1))


@pytest.fixture(scope="module")
def page(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "new" / "report.html"
    write_report(path, runs, command="livr demo")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Collects tags that are opened and never closed, and everything the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v or "" for k, v in attrs if k in {"src", "href", "srcset", "action"}]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v or "" for k, v in attrs if k in {"src", "href", "xlink:href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def test_the_page_is_whole_and_loads_nothing(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    assert parser.stack == []
    outside = [v for v in parser.loads if not v.startswith(("data:image/jpeg;base64,", "#"))]
    assert outside == []
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page and "@import" not in page and "url(http" not in page


def test_the_table_holds_every_line(page: str, runs: list[Run]) -> None:
    for line in compare(runs):
        assert f"{100 * line.accuracy:.1f} %" in page
    text = re.sub(r"<[^>]+>|\s+", " ", page)
    for words in ("direct SFT", "zero-shot", "LIVR", "Counting", "visual similarity", "livr demo"):
        assert words in text


def test_text_from_data_is_escaped(page: str) -> None:
    assert "How many fish &lt;b&gt;swim&lt;/b&gt; here?" in page
    assert "<b>swim" not in page


def test_the_page_is_the_same_twice(runs: list[Run], tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, runs)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_runs_without_training_records_and_data_still_make_a_page(
    runs: list[Run], tmp_path: Path
) -> None:
    zero_shot = [run for run in runs if run.method == "zero_shot"]
    write_report(tmp_path / "r.html", zero_shot)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "no training records" in page and "Questions and answers" not in page


def test_samples_are_the_first_of_each_group(runs: list[Run]) -> None:
    sft, livr = (next(r for r in runs if r.method == m) for m in ("sft", "livr"))
    groups = choose(sft, livr, per_group=2)
    assert sum(group.count for group in groups) == len(sft.predictions)
    expected = [x.id for x, y in zip(sft.predictions, livr.predictions, strict=True)
                if y.correct and not x.correct]  # fmt: skip
    assert groups[0].count == len(expected) > 0
    assert [sample.example.id for sample in groups[0].samples] == expected[:2]
    for sample in groups[0].samples:
        assert [good for _, good in sample.answers] == [False, True]


def test_images_are_made_small(tmp_path: Path) -> None:
    Image.new("RGBA", (2000, 1000), (255, 0, 0, 0)).save(tmp_path / "big.png")
    assert len(data_uri(tmp_path / "big.png")) < 4000


def test_curves_are_well_formed_and_follow_the_theme(runs: list[Run]) -> None:
    for measure in ("loss", "val_accuracy"):
        svg = figures.learning_curves(runs, measure)
        assert svg is not None
        ET.fromstring(
            svg.replace("<svg ", '<svg xmlns:xlink="x" ', 1) if "xmlns:xlink" not in svg else svg
        )
        assert "var(--sft)" in svg and "var(--livr)" in svg
        assert svg.count("stage 2") >= 1
        assert "#00000" not in svg
    assert figures.learning_curves([r for r in runs if r.method == "zero_shot"], "loss") is None


def test_the_drawn_masks_are_the_rule() -> None:
    def count(svg: str, kind: str) -> int:
        return len(re.findall(f'class="{kind}"', svg))

    ordinary, bottleneck = figures.mask(ORDINARY), figures.mask(BOTTLENECK)
    tokens = 16
    assert count(ordinary, "shut") == tokens * (tokens - 1) // 2
    # 4 question and 2 answer rows lose the 6 image columns.
    assert count(ordinary, "image") - count(bottleneck, "image") == (4 + 2) * 6
    for kind in ("prompt", "latent", "answer"):
        assert count(ordinary, kind) == count(bottleneck, kind)
    ET.fromstring(bottleneck)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("0" * 20, "1" * 10 + "0" * 10, "chance alone would rarely"),
        ("0" * 20, "1" + "0" * 19, "may well be chance"),
        ("1" + "0" * 19, "0" * 20, "5.0 points fewer"),
        ("01" * 10, "10" * 10, "equally many"),
    ],
)
def test_the_verdict_says_no_more_than_the_test(a: str, b: str, words: str) -> None:
    from tests.analysis.test_compare import run

    line = compare([run("sft", 1, a), run("livr", 1, b)])[1]
    assert words in verdict(line, "sft")


def audited(model: str, verdict: Verdict) -> Audit:
    finding = Finding(
        "dropped", "Latents are <used>.", "Latents left out.", "80.0 % → 60.0 %", "accuracy falls",
        verdict, 200, 0.2, Interval(0.1, 0.3), details={"fall": 0.2},
    )  # fmt: skip
    return Audit(model, "pool/counting", "test", 200, None, None, 0, (finding,))


def test_audits_stand_side_by_side(runs: list[Run], tmp_path: Path) -> None:
    livr, control = audited("runs/a/run", "pass"), audited("runs/control", "fail")
    more = replace(livr.findings[0], name="retention", measured="0.99 kept", verdict="unclear")
    livr = replace(livr, findings=(*livr.findings, more))
    write_report(tmp_path / "page.html", runs, audits=(livr, control))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    parser = Balance()
    parser.feed(page)
    assert parser.stack == []
    table = page[page.index("Are the latents used?") : page.index("Learning curves")]
    assert "<th>a</th><th>control</th>" in table
    badges = re.findall(r'class="badge (\w+)"', table)
    assert badges == ["unclear", "fail", "pass", "fail", "unclear"]
    assert "Latents are &lt;used&gt;." in table
    assert table.count("–") == 1, "the control did not make that test"


def test_a_page_without_audits_has_no_such_section(page: str) -> None:
    assert "Are the latents used?" not in page


def test_questions_of_another_data_set_are_not_shown(runs: list[Run], tmp_path: Path) -> None:
    sft, livr = (next(r for r in runs if r.method == m) for m in ("sft", "livr"))
    assert sft.data is not None
    shutil.copytree(sft.data, tmp_path / "other")
    file = tmp_path / "other" / "test.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    turned = [row | {"answer": "8" if row["choices"] is None else "C"} for row in rows]
    for row in turned:
        row["choices"] = row["choices"] and [*row["choices"], "neither"]
    file.write_text("".join(json.dumps(row) + "\n" for row in turned), encoding="utf-8")
    moved = replace(sft, scores=sft.scores | {"data": str(tmp_path / "other")})
    groups = choose(moved, livr)
    assert sum(group.count for group in groups) == len(sft.predictions)
    assert [group.samples for group in groups] == [()] * len(groups)


def text_of(path: Path) -> str:
    """What a page says, without its marks and styles; it is well formed."""
    page = path.read_text(encoding="utf-8")
    parser = Balance()
    parser.feed(page)
    assert parser.stack == []
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main>") :]).split())


def test_outcomes_alone_make_a_page_that_says_what_is_left_out(
    runs: list[Run], tmp_path: Path
) -> None:
    bare = [replace(outcomes_of(run), run=None) for run in runs]
    write_report(tmp_path / "bare.html", bare)
    text = text_of(tmp_path / "bare.html")
    assert "The runs are known from results files alone." in text
    for gone in ("Learning curves Direct", "Questions and answers", "Settings", "training records"):
        assert gone not in text
    assert "Mean over tasks" in text and "Differences with their 95 % intervals" in text
    for line in compare(runs):
        assert f"{100 * line.accuracy:.1f} %" in text


def test_a_mixed_page_shows_what_there_is(runs: list[Run], page: str, tmp_path: Path) -> None:
    bare = [replace(outcomes_of(run), run=None) for run in runs if run.task == TASKS[0]]
    write_report(tmp_path / "mixed.html", [*bare, *(run for run in runs if run.task == TASKS[1])])
    text = text_of(tmp_path / "mixed.html")
    assert f"3 of {len(runs)} runs are known from results files alone." in text
    curves = text[text.index("direct SFT LIVR stage 1 ends") : text.index("What differs")]
    assert "visual similarity" in curves and "counting" not in curves
    assert "known from results files" not in page


def test_the_page_has_corrected_p_and_what_is_right_blindfolded(
    runs: list[Run], page: str, tmp_path: Path
) -> None:
    found = [replace(outcomes_of(run), blindfolded=0.35 if run.method == "livr" else None)
             for run in runs]  # fmt: skip
    write_report(tmp_path / "page.html", found)
    text = text_of(tmp_path / "page.html")
    assert text.count(" blindfolded 35.0 % 18.1 – 56.7 ") == len(TASKS)
    assert "Blindfolded : the same questions" in text
    assert "lindfolded" not in page
    compared = [line for line in compare(runs) if line.against]
    assert any(line.against and line.p_holm != line.against.p_value for line in compared)
    for line in compared:
        assert line.against is not None and line.p_holm is not None
        assert f" {points(line.against.delta)} {p_number(line.p_holm)} " in text


def test_a_verdict_holds_for_the_corrected_p() -> None:
    from tests.analysis.test_compare import run

    line = compare([run("sft", 1, "0" * 20), run("livr", 1, "1" * 6 + "0" * 14)])[1]
    assert "rarely" in verdict(line, "sft")
    assert "may well be chance (p\xa0=\xa00.062)" in verdict(replace(line, p_holm=0.0625), "sft")


def test_cells_that_failed_are_named_once_per_reason(runs: list[Run], tmp_path: Path) -> None:
    failed = [Failed("jigsaw", "livr", 43, "no <room>"), Failed("counting", "sft", 44, "not run"),
              Failed("jigsaw", "sft", 43, "no <room>")]  # fmt: skip
    write_report(tmp_path / "page.html", runs, failed=failed)
    text = text_of(tmp_path / "page.html")
    named = "jigsaw, LIVR, seed 43 ; jigsaw, direct SFT, seed 43 : no &lt;room&gt;"
    assert f"Cells without a result {named} counting, direct SFT, seed 44 : not run" in text


def test_published_numbers_stand_beside(runs: list[Run], page: str, tmp_path: Path) -> None:
    table = find_table("table1")
    write_report(tmp_path / "page.html", runs, paper=table, backbone="Qwen3-VL-4B")
    text = text_of(tmp_path / "page.html")
    beside = text[text.index("Beside the paper") : text.index("Learning curves")]
    own = next(line for line in compare(runs) if (line.task, line.method) == ("counting", "livr"))
    paper = table.values["Qwen3-VL-4B"]["livr"][list(table.tasks).index("counting")]
    assert f"LIVR {paper:.1f} % {100 * own.accuracy:.1f} %" in beside
    assert "Qwen3-VL-4B. Gain: over direct SFT." in beside
    assert "jigsaw zero-shot" in beside, "what was not run stands there too"
    assert "Beside the paper" not in page
