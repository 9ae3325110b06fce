"""The run folder: made for a new run, checked for one that is resumed, and gone if nothing was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from livr.config import TrainConfig, read_yaml
from livr.data.store import file_sha256
from livr.errors import ConfigError, LivrError
from livr.evaluate.target import refuse_folder
from livr.files import write_json
from livr.mini import EMBEDDED
from livr.settings import read_object
from livr.train import processes
from livr.train.checkpoint import worth_resuming
from livr.train.disk import disk_fault
from livr.train.diverged import DivergedError
from livr.train.lock import LOCK, refuse_busy

_FREE = {
    "out",
    "vision_cache",
    "vision_cache_gib",
    "cache_vision",
    "bottleneck",
    "val_batch_size",
    "gradient_checkpointing",
    "optim.per_device",
}
"""Settings that may change when a run is resumed: where things are, and how the same is computed
with less memory or in less time."""
LEARNT = "data.json"
"""Hashes of the rows that a run learns from."""
_MOVED = {"data": "data set", "model": "model"}
"""Settings that may say the same with another path."""


def usual_out(config: TrainConfig, data: Path) -> Path:
    """Where a run goes if nobody says: it is named after what it learns from, how, and its seed."""
    return Path("runs") / f"{data.resolve().name}-{config.method}-{config.seed}"


def with_whole_paths(config: TrainConfig) -> TrainConfig:
    """The same settings: paths in a run folder must mean the same wherever it is opened from."""
    folder = Path(config.model)
    # As `livr.load` has it: `mini` is the embedded model, also where a folder is called so.
    is_folder = folder.is_dir() and config.model not in EMBEDDED
    model = str(folder.resolve()) if is_folder else config.model
    data = config.data.resolve() if config.data is not None else None
    out = config.out.resolve() if config.out is not None else None
    return config.model_copy(update={"model": model, "data": data, "out": out})


def check_target(config: TrainConfig, out: Path, resume: bool) -> None:
    """Look whether a run can be written to its folder; nothing is written.

    Args:
        config: Every setting, with whole paths.
        out: The folder.
        resume: Whether it holds a run to be continued.

    Raises:
        ConfigError: It holds something, or a run with other settings, or no run to be resumed; or
            nothing can be written there, or another process writes there just now.
    """
    refuse_busy(out)
    exists = out.exists() and (not out.is_dir() or any(p.name != LOCK for p in out.iterdir()))
    if exists and not resume:
        raise ConfigError(f"{out} exists already; choose another --out, or continue with --resume")
    if resume and not (out / "config.yaml").is_file():
        raise ConfigError(f"nothing to resume: {out} has no config.yaml")
    refuse_folder(out)
    if resume:
        _refuse_other_settings(config, out)


def prepare(config: TrainConfig, out: Path, resume: bool) -> bool:
    """Make the run folder, or check the one to be resumed.

    Args: those of `check_target`.

    Returns:
        Whether there was no folder before.

    Raises:
        ConfigError: See `check_target`.
    """
    check_target(config, out, resume)
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    return made


def in_its_precision(config: TrainConfig, out: Path) -> TrainConfig:
    """The settings of a resumed run, in the precision it was begun in if they leave that open.

    This machine may have another than the one it was begun on.
    """
    if config.dtype != "auto" or not (out / "config.yaml").is_file():
        return config
    return config.model_copy(update={"dtype": _started(out).get("dtype", "auto")})


def _started(out: Path) -> dict[str, Any]:
    """The settings that a run was begun with."""
    found = read_yaml(out / "config.yaml", "settings of the run")
    started: dict[str, Any] = found if isinstance(found, dict) else {}
    with suppress(ValidationError):
        # A setting that is new since then had its default.
        started = TrainConfig.model_validate(started).model_dump(mode="json")
    return started


def _refuse_other_settings(config: TrainConfig, out: Path) -> None:
    stored = out / "config.yaml"
    started = _started(out)
    now = config.model_dump(mode="json")
    for settings in (started, now):
        for name in _FREE:
            *place, last = name.split(".")
            inside = settings.get(place[0]) if place else settings
            if isinstance(inside, dict):
                inside.pop(last, None)
    if now["dtype"] == "auto":
        now["dtype"] = started.get("dtype")
    names = started.keys() | now.keys()
    other = sorted(name for name in names if started.get(name) != now.get(name))
    if other == ["trust_remote_code"]:
        raise ConfigError(
            f"{out} was started with --trust-remote-code; give it again to go on"
            if started.get("trust_remote_code")
            else f"{out} was started without --trust-remote-code; leave it out to go on"
        )
    if other and set(other) <= _MOVED.keys():
        then = " and ".join(f"the {_MOVED[name]} {started[name]}" for name in other)
        here = " and ".join(f"{name}: {now[name]}" for name in other)
        raise ConfigError(
            f"{out} was started with {then}, not with this one. If it is the same at another "
            f"place, write {here} into {stored} and try again"
        )
    if other:
        raise ConfigError(
            f"{out} was started with other settings than these: {', '.join(other)}; see config.yaml"
        )


def keep_data(data: Path, out: Path) -> None:
    """Write down what the run learns from, for `refuse_other_data`."""
    write_json(out / LEARNT, _fingerprints(data))


def refuse_other_data(data: Path, out: Path) -> None:
    """Refuse to go on with rows other than those that a run was begun with.

    Raises:
        ConfigError: train.jsonl or val.jsonl has changed since, or nobody can tell any more.
    """
    kept = out / LEARNT
    if not kept.is_file():
        return
    advice = f"if {data} is what the run began with, delete the file and --resume again"
    then, now = read_object(kept, advice, ConfigError), _fingerprints(data)
    if other := sorted(
        name for name in then.keys() | now.keys() if then.get(name) != now.get(name)
    ):
        raise ConfigError(
            f"{' and '.join(other)} in {data} changed since the run in {out} began. Put back what "
            "was there to go on, or begin a run with another --out"
        )


def _fingerprints(data: Path) -> dict[str, str]:
    files = [data / name for name in ("train.jsonl", "val.jsonl")]
    return {f.name: file_sha256(f) for f in files if f.is_file()}


@contextmanager
def resumable_or_gone(out: Path, made: bool | None, *, new: bool) -> Iterator[None]:
    """Whatever stops a run leaves a folder that can be resumed, or none. A resumed run stays.

    Args:
        out: The run folder, empty if the run is new.
        made: Whether it was made for this run; an empty one that was there before stays.
        new: Whether the run is new.

    Raises:
        LivrError: In place of an error of the disk, or where training diverged after a checkpoint.
    """
    try:
        yield
    except BaseException as error:
        kept = worth_resuming(out)
        if new and not kept and processes.is_first():
            _clear(out, made)
        if kept and isinstance(error, DivergedError):
            raise LivrError(
                f"{error} with another --out: {out} keeps what came before. Delete it if you need "
                "neither its curve nor its checkpoints"
            ) from error
        why = disk_fault(error)
        if why is None:
            raise
        then = "go on from the last checkpoint with --resume" if kept else "start again"
        raise LivrError(f"training in {out} was stopped: {why}. Mend this, then {then}") from error


def _clear(out: Path, made: bool | None) -> None:
    # What cannot be deleted must not hide why the run stopped.
    with suppress(OSError):
        for path in out.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        if made:
            out.rmdir()
