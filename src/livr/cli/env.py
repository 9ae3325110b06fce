"""`livr env`: versions, devices, and what is usable."""

from __future__ import annotations

from livr.cli.console import JsonFlag, print_fields, print_json

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "pillow", "typer")


def collect() -> dict[str, str]:
    """Versions of Python and of the packages that matter, and the devices torch can use."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import torch

    from livr.machine import has_bfloat16

    fields = {"livr": version("livr"), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            fields[name] = version(name)
        except PackageNotFoundError:
            fields[name] = "missing: run `make setup`"
    fields["platform"] = platform.platform()
    fields["cpu"] = f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"
    fields["gpu"] = describe_gpu()
    fields["precision"] = "bfloat16" if has_bfloat16() else "float32"
    return fields


def describe_gpu() -> str:
    """The GPUs torch can use, with their memory, or "none"."""
    import torch

    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return ", ".join(f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for gpu in found)
    if torch.backends.mps.is_available():
        return "Apple (mps)"
    return "none: everything runs on the CPU"


def env(as_json: JsonFlag = False) -> None:
    """Show versions, devices, and what is usable."""
    fields = collect()
    if as_json:
        print_json(fields)
    else:
        print_fields(fields)
