"""The pages do what they say: Python runs, commands exist, grids load, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny

from livr.analysis.ablate.cells import recipes
from livr.analysis.ablate.grid import load_grid
from livr.cli.verbs import load_verb

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = [README, *(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*.md"))]


def blocks(language: str, page: str = README) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [text for named, text in found if named == language]


def commands() -> list[list[str]]:
    """Every call of livr in any page, once; an example names a verb in capitals, livr VERB."""
    text = "\n".join(block for page in PAGES for block in blocks("", page))
    lines = text.replace("\\\n", " ").splitlines()
    found = {line for line in lines if re.match(r"livr [a-z]", line)}
    return [shlex.split(line, comments=True) for line in sorted(found)]


def test_the_python_runs(
    tmp_path: Path,
    checkpoints: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (code,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    tiny.dataset(tmp_path / "my_parts")
    (tmp_path / "my_parts/images").mkdir(exist_ok=True)
    tiny.picture(0).save("my_parts/images/17.jpg")
    code = code.replace('"mini"', repr(str(checkpoints("qwen3_vl"))))
    scope: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), scope)
    assert "95 % interval" in capsys.readouterr().out
    assert (tmp_path / "runs/first/scores.json").is_file()


def test_there_are_commands_to_check() -> None:
    assert {words[1] for words in commands()} >= {"train", "eval", "data", "compare", "report"}
    assert len(commands()) > 50


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[:3]))
def test_the_commands_exist(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = load_verb(words[1])
    for word in words[2:]:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_grid_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs/comparing.md").read_text(encoding="utf-8")
    (text,) = blocks("yaml", page)
    (tmp_path / "grid.yaml").write_text(text, encoding="utf-8")
    grid = load_grid(tmp_path / "grid.yaml")
    assert len(recipes(grid)) == 1 + 3 * (len(grid.arms()) - 1)


def test_make_has_every_target_that_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(blocks("")) + contributing))
    assert named >= {"demo", "test", "check"}
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_links_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_map_names_folders_that_exist() -> None:
    (tree,) = [block for block in blocks("") if block.startswith("src/livr/")]
    names = re.findall(r"^  ([a-z_.]+/?)  ", tree, re.MULTILINE)
    assert len(names) >= 10
    assert [name for name in names if not (ROOT / "src/livr" / name).exists()] == []
