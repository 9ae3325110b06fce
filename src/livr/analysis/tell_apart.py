"""Runs of one method with other settings are no seeds of one another: each kind gets a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from livr.analysis.runs import Run

_SAME_RESULT = {"seed", "out", "vision_cache", "vision_cache_gib", "cache_vision", "bottleneck",
                "gradient_checkpointing", "optim.per_device", "trust_remote_code"}  # fmt: skip
"""Settings that do not change what is learnt; the seed is what runs of one kind differ in."""
_PLACES = ("model", "data")


def told_apart(runs: Sequence[Run]) -> list[Run]:
    """The runs, in order, with what differs behind the names of their methods.

    A method whose runs are set alike keeps its name. Else its runs are called
    `livr latents.num=4`, as a grid calls the variants of a sweep. The data counts only where
    runs of one seed were trained on different data.

    Args:
        runs: Evaluated runs.
    """
    kinds: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        kinds.setdefault((run.task, run.method), []).append(run)
    names: dict[Path, str] = {}
    for (_, method), group in kinds.items():
        names |= _names(method, group)
    return [replace(run, method=names[run.path]) for run in runs]


def _names(method: str, group: Sequence[Run]) -> dict[Path, str]:
    """Run folder -> name."""
    settings = {run.path: dict(_settings(run.config)) for run in group}
    common = set.intersection(*map(set, settings.values()))
    differing = [
        key
        for key in next(iter(settings.values()))
        if key in common and len({values[key] for values in settings.values()}) > 1
    ]
    without = [key for key in differing if key != "data"]
    for keys in (without, differing):
        names = {
            path: method + "".join(f" {key}={values[key]}" for key in keys)
            for path, values in settings.items()
        }
        if len({(names[run.path], run.seed) for run in group}) == len(group):
            return names
    return names


def _settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting that matters, by its dotted name, as text."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _settings(value, f"{name}.")
        elif name not in _SAME_RESULT:
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield name, Path(text).name if name in _PLACES else text
