"""One run folder has one writer."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from livr.config import TrainConfig
from livr.errors import ConfigError
from livr.train import folder, lock
from livr.train.plan import plan_run
from livr.train.run import train
from tests import tiny
from tests.train.killed import KilledError

HOLDS = """
import sys, time
from pathlib import Path
from livr.train.lock import only_writer

with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def config(checkpoints, tmp_path) -> TrainConfig:
    return tiny.sft_config(checkpoints("qwen3_vl"), tmp_path, epochs=[2])


@contextmanager
def another_writer(out: Path) -> Iterator[int]:
    """A process that writes a run folder, and is killed in the end; gives its number."""
    out.mkdir(exist_ok=True)
    words = [sys.executable, "-c", HOLDS, str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process.pid
        finally:
            process.kill()


def test_a_second_process_is_refused_at_once(config) -> None:
    with another_writer(config.out) as number:
        wanted = re.compile(rf"run is being written by process {number} on \S+ since 2.* --out$")
        for resume in (False, True):
            with pytest.raises(ConfigError, match=wanted):
                train(config, resume=resume)
        with pytest.raises(ConfigError, match=wanted):
            plan_run(config)
        assert [p.name for p in config.out.iterdir()] == [lock.LOCK]
    # It was killed, and its lock went with it.
    assert train(config).path == config.out
    assert not (config.out / lock.LOCK).exists()


def test_a_run_holds_its_folder_from_the_first_moment_to_the_last(config) -> None:
    seen = []

    def listen(_) -> None:
        with pytest.raises(ConfigError, match="is being written by process"):
            lock.refuse_busy(config.out)
        seen.append(1)

    train(config, on_progress=listen)
    assert seen
    lock.refuse_busy(config.out)


def test_of_two_that_begin_together_one_goes_on(config, monkeypatch) -> None:
    """The other looked before the first had its lock, and must not delete what is not its own."""
    monkeypatch.setattr(folder, "refuse_busy", lambda out: None)
    with another_writer(config.out):
        with pytest.raises(ConfigError, match="is being written by process"):
            train(config)
        assert [p.name for p in config.out.iterdir()] == [lock.LOCK]


def test_a_run_that_is_stopped_leaves_no_lock(config) -> None:
    def stop(_) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        train(config, on_progress=stop)
    assert not config.out.exists()


@pytest.mark.parametrize("number", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_does_without(config, monkeypatch, number) -> None:
    def cannot(*_) -> None:
        raise OSError(getattr(errno, number), "cannot")

    monkeypatch.setattr(lock.fcntl, "flock", cannot)
    with lock.only_writer(config.data):
        lock.refuse_busy(config.data)
    monkeypatch.setattr(lock, "fcntl", None)
    with lock.only_writer(config.data):
        lock.refuse_busy(config.data)
