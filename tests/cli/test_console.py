from __future__ import annotations

import json

import pytest

from livr.cli import console


def test_progress_in_a_log_is_one_line_per_phase(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 30.0, 40.0, 90.0])
    monkeypatch.setattr("livr.cli.console.time.monotonic", lambda: next(clock))
    with console.progress(100, "loading") as advance:
        advance(0, "reading")
        advance(1, "reading")
        advance(10, "training")
        advance(60, "testing")
        advance(61)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[-1] for line in lines] == ["reading", "training", "testing"]
    # 10 % in the 10 seconds since the first phase began: 90 seconds for the rest.
    assert [line.partition("gone")[2].split()[0] for line in lines] == ["reading", ",", ","]
    assert "1:30 left" in lines[1] and "0:40 left" in lines[2]
    assert "1:30 gone" in lines[2]


def test_a_loss_does_not_make_a_line_per_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("livr.cli.console.time.monotonic", lambda: float(next(clock)))
    with console.progress(100, "loading") as advance:
        for step in range(8):
            advance(step, f"stage 1, loss {3 - step / 10:.3f}, {step}% right")
        advance(9, "stage 2, loss 1.000, 10% right")
    lines = capsys.readouterr().err.splitlines()
    told = [line.partition("  ")[2].split(", loss ")[1][:3] for line in lines]
    assert told == ["3.0", "2.7", "2.4", "1.0"]


def test_a_table_in_a_file_has_every_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [f"{n:+d}.0 (-22.3 - -6.7)" for n in range(8)]
    console.print_table(["name", *map(str, range(8))], [["jigsaw", *cells]])
    row = next(line for line in capsys.readouterr().out.splitlines() if "jigsaw" in line)
    assert all(cell in row for cell in cells)


def test_results_and_remarks_go_to_different_streams(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"ä": 1})
    console.print_fields({"one": "1", "three": "3"})
    console.note("remark")
    console.complain("wrong")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert json.loads(lines[0]) == {"ä": 1}
    assert lines[1:] == ["one    1", "three  3"]
    assert printed.err == "remark\nerror: wrong\n"


def test_numbers_are_aligned_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(["name", "n"], [["a", "1"], ["b", "100"]], caption="below")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    ends = {len(line) for line in lines if line.endswith(("1", "100", " n"))}
    assert len(ends) == 1
    assert "below" in lines[-1]
