"""What is kept beside a number: the processor by its generation, not by its name alone."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from livr.machine import device_name, processor

TWO = """processor\t: 0
cpu family\t: {family}
model\t\t: 2
model name\t: AMD EPYC

processor\t: 1
cpu family\t: 6
model\t\t: 1
model name\t: another
"""


def test_two_generations_of_one_name_differ(tmp_path: Path) -> None:
    names = []
    for family in (25, 26):
        file = tmp_path / str(family)
        file.write_text(TWO.format(family=family))
        names.append(processor(file))
    assert names[0].startswith("AMD EPYC (family 25, model 2), ")
    assert names[1].startswith("AMD EPYC (family 26, model 2), ")
    assert names[0].endswith(torch.backends.cpu.get_cpu_capability())


def test_a_machine_without_the_file_has_a_name_too(tmp_path: Path) -> None:
    name = processor(tmp_path / "none")
    assert platform.machine() in name
    assert not name.startswith(",")


def test_a_device_is_named_by_kind() -> None:
    assert device_name("cpu") == processor()
    assert device_name("mps") == "mps"
    if not torch.cuda.is_available():
        assert device_name() == processor()
