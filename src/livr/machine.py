"""What numbers may depend on besides code and data: the device that computes them."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

CPUINFO = Path("/proc/cpuinfo")
VERSIONS = ("livr", "torch", "transformers", "peft")


def surroundings() -> dict[str, Any]:
    """Device, threads and versions, to be kept with a number."""
    return {
        "device": device_name(),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def has_bfloat16() -> bool:
    """Whether there is a GPU that computes in bfloat16, and does not merely store it."""
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def device_name(kind: str | None = None) -> str:
    """The device by its name, so that another one that rounds otherwise has another.

    Args:
        kind: `cuda` or `cpu`. Default: a GPU if there is one.
    """
    if kind is None:
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda":
        return torch.cuda.get_device_name()
    return processor() if kind == "cpu" else kind


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
