"""Which errors are the disk's, and how they are said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from livr.train.disk import disk_fault


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "out"), "out: Permission denied"),
        (OSError("broken"), "broken"),
        (OSError(), "OSError"),
        (
            SafetensorError("Error while serializing: I/O error: Too large (os error 27)"),
            "weights could not be written: Too large",
        ),
        (RuntimeError("[enforce fail at inline_container.cc:603]"), "the disk may be full"),
        (RuntimeError("x"), None),
        (KeyboardInterrupt(), None),
    ],
)
def test_an_error_of_the_disk_is_told_from_others(error: BaseException, words: str | None) -> None:
    found = disk_fault(error)
    assert found == words or (words is not None and found is not None and found.endswith(words))


def test_what_safetensors_itself_raises_is_understood(tmp_path: Path) -> None:
    with pytest.raises(SafetensorError) as written:
        save_file({"a": torch.zeros(2)}, tmp_path / "nowhere" / "x.safetensors")
    assert disk_fault(written.value) == "weights could not be written: No such file or directory"
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(SafetensorError) as read:
        load_file(tmp_path / "cut.safetensors")
    assert str(disk_fault(read.value)).startswith("a file of weights is damaged: ")
