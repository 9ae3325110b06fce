"""Where cells run: processes on this machine, or a Ray cluster that shares its file system."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from livr.analysis.ablate.cells import FAILED, LOG, RESULT
from livr.errors import ConfigError

Reason = str | None
"""Why a cell has no result; None if it has one."""


@dataclass(frozen=True)
class Attempt:
    """One try at a cell.

    Attributes:
        folder: The cell's folder.
        threads: Threads of its process.
        fresh: Whether to throw away what an earlier try left.
    """

    folder: Path
    threads: int
    fresh: bool = False


class Launcher(Protocol):
    """Runs attempts; as many at once as there is room for."""

    def submit(self, attempt: Attempt) -> Future[Reason]:
        """Start an attempt as soon as there is room."""
        ...

    def close(self) -> None:
        """Stop whatever still runs."""
        ...


class Processes:
    """A fresh process per cell on this machine.

    Args:
        workers: Processes at once.
        gpus: Names of GPUs, one per worker; empty: all processes see what this one sees.
    """

    def __init__(self, workers: int, gpus: tuple[str, ...] = ()) -> None:
        self.pool = ThreadPoolExecutor(workers)
        self.gpus: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.has_gpus = bool(gpus)
        for gpu in gpus:
            self.gpus.put(gpu)
        self.running: set[subprocess.Popen[bytes]] = set()
        self.lock = threading.Lock()
        self.closed = False

    def submit(self, attempt: Attempt) -> Future[Reason]:
        return self.pool.submit(self._run, attempt)

    def _run(self, attempt: Attempt) -> Reason:
        gpu = self.gpus.get() if self.has_gpus else None
        try:
            with self.lock:
                if self.closed:
                    return "stopped"
                process = start(attempt, gpu)
                self.running.add(process)
            code = process.wait()
            with self.lock:
                self.running.discard(process)
        finally:
            if gpu is not None:
                self.gpus.put(gpu)
        return reason(attempt.folder, code)

    def close(self) -> None:
        with self.lock:
            self.closed = True
            for process in self.running:
                process.terminate()
        self.pool.shutdown(wait=True, cancel_futures=True)


class Ray:
    """A fresh process per cell on whichever node Ray chooses.

    The grid's folder, the data and this package must be at the same place on every node. The
    variable RAY_ADDRESS names a cluster; without it Ray is started on this machine.

    Args:
        workers: Cells at once on this machine; a cluster decides by itself.
        threads: CPUs per cell.
        gpus: GPUs per cell.
    """

    def __init__(self, workers: int, threads: int, gpus: int = 0) -> None:
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "--launcher ray needs Ray: in LIVR's folder, pip install -e '.[ray]'"
            ) from error
        self.ray: Any = ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        local: dict[str, Any] = {"num_cpus": workers * threads, "include_dashboard": False}
        given = {} if os.environ.get("RAY_ADDRESS") else local
        ray.init(log_to_driver=False, configure_logging=False, **given)
        self.remote = ray.remote(num_cpus=threads, num_gpus=gpus, max_retries=0)(_on_node)

    def submit(self, attempt: Attempt) -> Future[Reason]:
        place = (str(attempt.folder.resolve()), attempt.threads, attempt.fresh)
        future: Future[Reason] = self.remote.remote(*place).future()
        return future

    def close(self) -> None:
        self.ray.shutdown()


def _on_node(folder: str, threads: int, fresh: bool) -> Reason:
    attempt = Attempt(Path(folder), threads, fresh)
    return reason(attempt.folder, start(attempt, None).wait())


def start(attempt: Attempt, gpu: str | None) -> subprocess.Popen[bytes]:
    """Start the process of a cell; what it prints goes to the cell's log."""
    count = str(attempt.threads)
    env = {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}
    env |= {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    if gpu is not None:
        env["CUDA_VISIBLE_DEVICES"] = gpu
    command = [sys.executable, "-m", "livr.analysis.ablate.worker", str(attempt.folder)]
    with (attempt.folder / LOG).open("ab") as log:
        return subprocess.Popen(
            command + ["--fresh"] * attempt.fresh,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=env,
        )


def reason(folder: Path, code: int) -> Reason:
    """Why a cell's process left no result, or None if it did."""
    if code == 0 and (folder / RESULT).is_file():
        return None
    if (folder / FAILED).is_file():
        return str(json.loads((folder / FAILED).read_text("utf-8"))["reason"])
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    lines = (folder / LOG).read_text("utf-8", errors="replace").strip().splitlines()
    last = f": {lines[-1][:200]}" if lines else ""
    return f"its process ended with {how}{last}"
