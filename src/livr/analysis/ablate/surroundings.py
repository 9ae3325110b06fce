"""What a committed number may depend on besides its cell: device, threads, versions."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

VERSIONS = ("livr", "torch", "transformers", "peft")
CPUINFO = Path("/proc/cpuinfo")


def surroundings() -> dict[str, Any]:
    """Device, threads and versions of this process, as they are kept with a cell."""
    return {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else processor(),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def processor(cpuinfo: Path = CPUINFO) -> str:
    """The processor by its name and by what its libraries choose their sums by.

    Two processors of one name may be of two generations, and a product of matrices is summed in
    an order that the generation and its instructions decide; so both are part of the name.

    Args:
        cpuinfo: What Linux says of its processors. Elsewhere `platform` knows less.
    """
    try:
        lines = cpuinfo.read_text("utf-8", errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    found = {key.strip(): value.strip() for key, _, value in pairs}
    name = found.get("model name") or platform.processor() or "CPU"
    if "cpu family" in found and "model" in found:
        name += f" (family {found['cpu family']}, model {found['model']})"
    return f"{name}, {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
