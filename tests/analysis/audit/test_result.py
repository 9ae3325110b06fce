"""An audit that was written is read again, and one that was not is refused in a sentence."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from livr.analysis.audit.finding import Finding
from livr.analysis.audit.page import interval_words
from livr.analysis.audit.result import Audit, read, side_by_side, write
from livr.errors import DataError
from livr.evaluate.stats import Interval

EVIDENCE = Path(__file__).parents[3] / "evidence"
SURE = Finding("blindness", "c", "d", "m", "h", "pass", 24, 0.0)
FALL = Finding("dropped", "c", "d", "m", "h", "fail", 300, 0.1, Interval(-0.1, 0.3), {"x": 1})
AUDIT = Audit("runs/one", "data", "test", 300, "runs/two", None, 0, (SURE, FALL))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(AUDIT, tmp_path)
    for path in (tmp_path, tmp_path / "audit.json"):
        again = read(path)
        assert again == AUDIT
        assert again.verdict == "fail"


@pytest.mark.parametrize("file", sorted(EVIDENCE.glob("audit-*.json")), ids=lambda p: p.stem)
def test_a_committed_audit_comes_out_as_it_was(file: Path) -> None:
    committed = json.loads(file.read_text("utf-8"))
    again = read(file).summary()
    assert again == committed
    assert [list(f) for f in again["findings"]] == [list(f) for f in committed["findings"]]


def test_shares_are_printed_in_percent_and_numbers_as_they_are() -> None:
    assert interval_words(FALL) == "−10.0 – 30.0"
    assert interval_words(replace(FALL, digits=2)) == "−0.10 – 0.30"
    assert interval_words(SURE) == "–"
    assert "digits" not in replace(FALL, digits=2).row()


def test_the_page_names_what_was_compared_and_where_sentence_by_sentence(tmp_path: Path) -> None:
    write(replace(AUDIT, baseline="runs/three", surroundings={"device": "CPU"}), tmp_path)
    page = (tmp_path / "audit.html").read_text()
    facts = page[page.index('class="facts"') :].partition("</p>")[0]
    assert all(name in facts for name in ("runs/two", "runs/three", "Asked on CPU."))
    assert not re.search(r"\.(</b>)?[A-Z{]", facts)


def test_a_cell_of_a_grid_is_called_by_its_folder() -> None:
    assert replace(AUDIT, model="runs/g/cells/counting-livr-42-0a/run").name == (
        "counting-livr-42-0a"
    )
    assert replace(AUDIT, model="run").name == "run"
    assert AUDIT.name == "one"


def test_tests_that_one_of_them_lacks() -> None:
    other = replace(AUDIT, findings=(FALL,))
    assert side_by_side((other, AUDIT)) == [(FALL, (FALL, FALL)), (SURE, (None, SURE))]
    assert side_by_side(()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"verdict": "pass", "findings": [{"name": "dropped"}]}',
        json.dumps(AUDIT.summary() | {"mood": "good"}),
    ],
)
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"audit\.json: not the audit\.json of livr audit"):
        read(tmp_path)


def test_a_missing_file_is_named_with_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file\. livr audit RUN"):
        read(tmp_path / "audit.json")
