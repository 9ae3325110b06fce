"""What the page says of how its runs were trained: what their settings say."""

from __future__ import annotations

from collections.abc import Iterable

from livr.analysis.compare_outcomes import Outcomes
from livr.analysis.runs import Run
from livr.settings import as_yaml

_TUNED = {"lora": "LoRA adapters", "full": "the whole language model"}
_UNKNOWN = "the language model"


def what_trains(runs: Iterable[Outcomes]) -> dict[str, str]:
    """What trains under `sft` and `livr`, for those of the two that have runs.

    Args:
        runs: All runs of the page. Of what is known from a results file nobody knows more than
            that the language model trains.

    Returns:
        Method -> what trains, in words; direct SFT first.
    """
    tunes: dict[str, set[str | None]] = {"sft": set(), "livr": set()}
    for run in runs:
        found = tunes.get(_method(run))
        if found is not None:
            found.add(None if run.run is None else run.run.tune)
    return {method: _in_words(found) for method, found in tunes.items() if found}


def settings_of(runs: Iterable[Run]) -> list[tuple[Run, str]]:
    """The runs that were trained, each with its settings as YAML, once for all of its tasks."""
    trained = {run.path: run for run in runs if run.config}
    return [(run, as_yaml(run.config)) for run in trained.values()]


def _method(run: Outcomes) -> str:
    """Its method; a name may add what its runs differ in: `livr latents.num=4`."""
    settings = run.run.config if run.run is not None else {}
    return str(settings.get("method") or run.method.partition(" ")[0])


def _in_words(tunes: set[str | None]) -> str:
    words = [_TUNED[tune] for tune in _TUNED if tune in tunes]
    return " or ".join(words) if tunes <= _TUNED.keys() else _UNKNOWN
