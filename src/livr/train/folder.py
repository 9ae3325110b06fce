"""The run folder: made for a new run, checked for one that is resumed, and gone if nothing was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError

from livr.config import TrainConfig, read_yaml
from livr.errors import ConfigError, LivrError
from livr.train import processes
from livr.train.checkpoint import worth_resuming

_PLACES = {"out", "vision_cache", "vision_cache_gib"}
"""Settings that a run may be resumed without: they say where things are, not what they are."""
_MOVED = {"data": "data set", "model": "model"}
"""Settings that may say the same with another path."""
_WRITER = "inline_container"
"""Part of torch that writes files. When it cannot, it says where in it and not why."""


def prepare(config: TrainConfig, out: Path, resume: bool) -> bool:
    """Make the run folder, or check the one to be resumed.

    Args:
        config: Every setting.
        out: The folder.
        resume: Whether it holds a run to be continued.

    Returns:
        Whether there was no folder before.

    Raises:
        ConfigError: It holds something, or a run with other settings, or no run to be resumed.
    """
    exists = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if exists and not resume:
        raise ConfigError(f"{out} exists already; choose another --out, or continue with --resume")
    if resume and not (out / "config.yaml").is_file():
        raise ConfigError(f"nothing to resume: {out} has no config.yaml")
    if resume:
        _refuse_other_settings(config, out)
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    return made


def _refuse_other_settings(config: TrainConfig, out: Path) -> None:
    stored = out / "config.yaml"
    started = read_yaml(stored, "settings of the run")
    started = started if isinstance(started, dict) else {}
    with suppress(ValidationError):
        # A setting that is new since then had its default.
        started = TrainConfig.model_validate(started).model_dump(mode="json")
    now = config.model_dump(mode="json")
    names = (started.keys() | now.keys()) - _PLACES
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


@contextmanager
def resumable_or_gone(out: Path, made: bool | None, *, new: bool) -> Iterator[None]:
    """Whatever stops a run leaves a folder that can be resumed, or none. A resumed run stays.

    Args:
        out: The run folder, empty if the run is new.
        made: Whether it was made for this run; an empty one that was there before stays.
        new: Whether the run is new.

    Raises:
        LivrError: In place of an error of the disk.
    """
    try:
        yield
    except BaseException as error:
        kept = worth_resuming(out)
        if new and not kept and processes.is_first():
            _clear(out, made)
        if not _is_disk(error):
            raise
        then = "go on from the last checkpoint with --resume" if kept else "start again"
        raise LivrError(
            f"training in {out} was stopped: {_reason(error)}. Mend this, then {then}"
        ) from error


def _is_disk(error: BaseException) -> bool:
    """Whether files failed; safetensors and torch have errors of their own for that."""
    return isinstance(error, OSError | SafetensorError) or _WRITER in str(error)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if _WRITER in str(error):
        return "a checkpoint could not be written, the disk may be full"
    return str(error)


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
