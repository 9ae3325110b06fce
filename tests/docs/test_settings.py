"""docs/settings.md lists every setting as `livr.config` says, and `--help` lists what there is."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import Field

from livr.cli.verbs import load_verb
from livr.config import LatentsConfig, load_recipe
from livr.data.build import buildable
from livr.recipes import FOLDER


@pytest.fixture
def settings(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("settings")


def defaults(page: str) -> dict[str, str]:
    """Default of every setting on the page, by its name."""
    row = r"^\| `([\w.]+)` \| [^|`]*(?:`[^|]+)? \| `([^|`]+)` \| [^|`]"
    return dict(re.findall(row, page, re.MULTILINE))


def test_the_page_is_what_the_script_writes(settings: ModuleType) -> None:
    page = settings.PAGE.read_text(encoding="utf-8")
    assert settings.filled(page) == page, "run python docs/settings.py"


def test_a_new_setting_changes_the_page(
    settings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class More(LatentsConfig):
        colour: int | None = Field(None, gt=2)
        """The colour."""

    inside = settings.groups() | {"latents": More}
    monkeypatch.setattr(settings, "groups", lambda: inside)
    line = "| `latents.colour` | whole number, above 2 | `null` | The colour. |"
    assert line in settings.filled(settings.PAGE.read_text(encoding="utf-8"))


def test_every_default_is_written_as_set_takes_it(settings: ModuleType) -> None:
    found = defaults(settings.PAGE.read_text(encoding="utf-8"))
    known = dict(settings.flat(settings.TrainConfig().model_dump()))
    assert found.keys() == known.keys()
    given = [f"{name}={value}" for name, value in found.items()]
    config = load_recipe(FOLDER / "mirage.yaml", given)
    assert dict(settings.flat(config.model_dump())) == known


def test_the_recipe_on_the_page_loads(settings: ModuleType, tmp_path: Path) -> None:
    page = settings.PAGE.read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "my_recipe.yaml").write_text(recipe, encoding="utf-8")
    assert load_recipe(tmp_path / "my_recipe.yaml").latents.num == 4


def test_every_setting_says_what_it_does(settings: ModuleType) -> None:
    for block in (settings.OWN, *settings.groups()):
        for name, field in settings.fields(block).items():
            assert settings.text(field).endswith((".", ")")), name


def test_words_for_types_and_values(settings: ModuleType) -> None:
    assert doctest.testmod(settings).failed == 0
    field = LatentsConfig.model_fields["num"]
    assert (settings.kind(field.annotation), settings.bounds(field)) == (
        "whole number",
        "from 1 to 512",
    )


def test_recipes_are_listed_where_they_differ(settings: ModuleType) -> None:
    lines = settings.of_recipes().splitlines()
    assert lines[0] == "| setting | default | `livr` | `mirage` | `sft` |"
    assert "| `latents.num` | `16` | `16` | `4` | `16` |" in lines


def text_of(verb: str, option: str) -> str:
    (found,) = [item for item in load_verb(verb).params if item.name == option]
    return str(found.help)


def test_help_lists_the_shipped_recipes() -> None:
    for path in FOLDER.glob("*.yaml"):
        assert re.search(rf"\b{path.stem}\b", text_of("train", "recipe")), path.stem


def test_help_lists_the_tasks_of_the_demo() -> None:
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)*\b", text_of("demo", "task")))
    assert named >= set(buildable())
