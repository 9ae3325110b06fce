"""Shipped recipes, each constant with its section of the paper."""

from __future__ import annotations

from pathlib import Path

from livr.errors import ConfigError

FOLDER = Path(__file__).parent


def find_recipe(name: str | Path) -> Path:
    """A recipe by file, or a shipped one by name.

    Raises:
        ConfigError: There is neither; the message lists the shipped ones.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = FOLDER / f"{path.stem}.yaml"
    # `recipes/livr.yaml` names the shipped one wherever the command is typed.
    if shipped.is_file() and path.parent in (Path(), Path("recipes")):
        return shipped
    names = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))
    raise ConfigError(f"no recipe {name}; give a YAML file or one of: {names}")
