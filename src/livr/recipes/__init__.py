"""Shipped recipes and grids, each constant with its section of the paper."""

from __future__ import annotations

from pathlib import Path

from livr.errors import ConfigError

FOLDER = Path(__file__).parent
PLACES = {"recipe": Path("recipes"), "grid": Path("recipes/paper")}
"""Where the shipped ones of each kind lie, seen from the package."""


def find_shipped(name: str | Path, kind: str = "recipe") -> Path:
    """A YAML file by path, or a shipped one by name.

    Args:
        name: A file, `livr`, or `recipes/livr.yaml`, which names the shipped one wherever the
            command is typed.
        kind: `recipe` or `grid`.

    Raises:
        ConfigError: There is neither; the message lists the shipped ones.
    """
    path, place = Path(name), PLACES[kind]
    if path.is_file():
        return path
    folder = FOLDER.parent / place
    # Not `stem`: a name may hold a dot, as table1-qwen2.5.
    shipped = folder / f"{path.name.removesuffix('.yaml')}.yaml"
    endings = [Path(*place.parts[i:]) for i in range(len(place.parts) + 1)]
    if shipped.is_file() and path.parent in endings:
        return shipped
    names = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
    raise ConfigError(f"no {kind} {name}; give a YAML file or one of: {names}")
