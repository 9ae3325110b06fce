"""Settings as objects: read from YAML and from `a.b=c`, checked, explained, written back.

Knows no setting; those of a training run are in `config`, those of a grid in `analysis.ablate`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from livr.errors import ConfigError, LivrError, ModelError
from livr.files import write_whole


class Settings(BaseModel):
    """Base of all settings: frozen, unknown keys are errors, and so are infinite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


S = TypeVar("S", bound=Settings)


class _TwiceError(ValueError):
    """A key stands twice among the same settings."""


class _Loader(yaml.SafeLoader):
    """The safe loader, which by itself keeps the last value of a key that stands twice."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        first: dict[tuple[str, str], int] = {}
        # As written: what `<<` brings in later may be said anew.
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if (key.tag, key.value) in first:
                lines = sorted({first[key.tag, key.value], line})
                place = f"line{'s'[: len(lines) - 1]} {' and '.join(map(str, lines))}"
                raise _TwiceError(f'"{key.value}" stands twice ({place}); keep one of them')
            first[key.tag, key.value] = line
        return node


def _yaml(text: str) -> Any:
    """What a text in YAML says; may raise YAMLError, and _TwiceError."""
    return yaml.load(text, _Loader)


def parse_override(text: str) -> tuple[list[str], Any]:
    """`a.b=c` as (["a", "b"], c), the value read as YAML.

    Raises:
        ConfigError: There is no `=`, the value is not YAML, or a key stands twice in it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {text!r}: expected name=value, for instance optim.lr=2e-4")
    try:
        parsed = _yaml(value)
    except _TwiceError as error:
        raise ConfigError(f"--set {text!r}: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text!r}: the value is not valid YAML") from error
    # YAML 1.1 reads 1e-4 (no dot) as text.
    if isinstance(parsed, str):
        with contextlib.suppress(ValueError):
            parsed = float(parsed)
    return key.split("."), parsed


def build(kind: type[S], values: dict[str, Any], where: str, overrides: Sequence[str] = ()) -> S:
    """Validate `values`, or say in one message everything that is wrong with them.

    Args:
        kind: Which settings they are.
        values: Names and values.
        where: What they are from, for the message.
        overrides: The `a.b=c` texts that some of them are from instead.

    Raises:
        ConfigError: With one line per wrong setting.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"]) or "settings"
            text = item["msg"].removeprefix("Value error, ")
            if item["type"] == "extra_forbidden":
                text = f"no such setting (known here: {', '.join(_known(kind, item['loc']))})"
            if item["type"] == "tuple_type":
                text = f"{item['input']!r} is no list; {_as_list(kind, item)}"
            lines.append(f"  {name}: {text}")
        source = _source([item["loc"] for item in error.errors()], where, overrides)
        raise ConfigError("\n".join([f"{source}: wrong settings", *lines])) from error


def _as_list(kind: type[Settings], wrong: Mapping[str, Any]) -> str:
    """How to write one value as a list. What the setting says of itself tells how many it takes."""
    field = _group(kind, wrong["loc"]).model_fields.get(str(wrong["loc"][-1]))
    about = " ".join(((field and field.description) or "").split())
    value = wrong["input"]
    return f"write [{value}], or [{value}, ...] for several" + (f". {about}" if about else "")


def _source(places: Sequence[tuple[int | str, ...]], where: str, overrides: Sequence[str]) -> str:
    """Where wrong settings are from: overrides, the rest, or both."""
    given = {text: parse_override(text)[0] for text in overrides}

    def of(place: tuple[int | str, ...]) -> list[str]:
        # A whole group may be given, or wrong as a whole: then one name begins with the other.
        return [
            f"--set {text!r}"
            for text, keys in given.items()
            if all(str(part) == key for part, key in zip(place, keys, strict=False))
        ]

    named = " ".join(dict.fromkeys(text for place in places for text in of(place)))
    if not named:
        return where
    return named if all(place and of(place) for place in places) else f"{where} with {named}"


def _known(kind: type[Settings], place: tuple[int | str, ...]) -> list[str]:
    """The settings beside a wrong one."""
    return list(_group(kind, place).model_fields)


def _group(kind: type[Settings], place: tuple[int | str, ...]) -> type[Settings]:
    """The settings that one of them stands among."""
    for name in place[:-1]:
        field = kind.model_fields.get(str(name))
        if field is None:  # the number of an item in a list
            continue
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, Settings):
                kind = inner
    return kind


def read_yaml(path: Path, what: str) -> Any:
    """What a YAML file holds.

    Args:
        path: The file.
        what: What it should be, for the message.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or a key stands twice in it.
    """
    try:
        return _yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the {what} {path}: {error.strerror}") from error
    except _TwiceError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a YAML file: {error}") from error


def read_object(path: Path, advice: str, kind: type[LivrError] = ModelError) -> dict[str, Any]:
    """What a JSON file of a run, a checkpoint or a data set holds.

    Args:
        path: The file.
        advice: What to do if it is damaged, for the message.
        kind: The error that it then is.

    Raises:
        LivrError: Of that kind: the file cannot be read, or is no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise kind(f"{path} cannot be read: {error}; {advice}") from error
    if not isinstance(value, dict):
        raise kind(f"{path} is not a JSON object; {advice}")
    return value


def as_yaml(values: dict[str, Any]) -> str:
    """Names and values as YAML for people: in their order, every letter as it is."""
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    return text


def dump(settings: Settings, path: Path) -> None:
    """Write settings as YAML."""
    write_whole(path, as_yaml(settings.model_dump(mode="json")))
