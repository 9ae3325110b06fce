"""Sizes, names and contents of the files: what import-linter and ruff do not see."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

import livr

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_METHOD_PACKAGE, MAX_PUBLIC_API = 400, 60, 800, 60

# Spelled in pieces so that this file does not contain what it forbids.
FORBIDDEN = [
    *("/" + top + "/" for top in ("work", "root", "home")),
    "/" + "opt/wheels",
    "/" + "opt/pypi",
    "py" + "pi.org",
    "python" + "hosted.org",
    "download." + "pytorch.org",
    "extra-" + "index-url",
]


def code_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_text() -> list[Path]:
    """Files that git would commit, without pictures and weights."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listed)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_there_are_files_to_check() -> None:
    assert len(SOURCES) > 20
    assert len(TESTS) > 3


def test_files_are_short() -> None:
    long = {where(p): n for p in SOURCES + TESTS if (n := code_lines(p)) > MAX_FILE}
    assert not long, f"over {MAX_FILE} lines; an idea is missing that would split them"


def test_functions_are_short() -> None:
    long = {}
    for path in SOURCES + TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MAX_FUNCTION:
                    long[f"{where(path)}:{node.name}"] = size
    assert not long, f"over {MAX_FUNCTION} lines"


def test_the_method_is_read_in_one_sitting() -> None:
    method = ROOT / "src/livr/method"
    assert sum(code_lines(path) for path in method.rglob("*.py")) <= MAX_METHOD_PACKAGE
    assert code_lines(ROOT / "src/livr/__init__.py") <= MAX_PUBLIC_API


def test_no_drawer_of_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "misc", "common"}
    assert not [where(p) for p in SOURCES if p.stem in drawers or p.parent.name in drawers]


def test_only_the_command_line_prints() -> None:
    printing = []
    for path in SOURCES:
        if "cli" in path.relative_to(ROOT / "src/livr").parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                printing.append(f"{where(path)}:{node.lineno}")
    assert not printing


def test_no_file_names_this_machine() -> None:
    found = []
    for path in tracked_text():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{where(path)}: {word}" for word in FORBIDDEN if word in text]
    assert not found


def test_no_import_needs_a_subpackage_that_a_function_hides() -> None:
    # `livr.train` is the function, so `import livr.train.x as y` cannot work.
    hidden = "|".join(livr._PUBLIC)
    pattern = re.compile(rf"^\s*import livr\.(?:{hidden})\.\S+ as ", re.MULTILINE)
    bad = [where(p) for p in SOURCES + TESTS if pattern.search(p.read_text(encoding="utf-8"))]
    assert not bad, "write `from livr.a.b import c`"
