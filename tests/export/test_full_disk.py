"""An export that does not fit on the disk."""

from __future__ import annotations

import pytest
from safetensors import SafetensorError

from livr.export import api


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("at", ["weights", "card"])
def test_a_full_disk_is_no_bug_of_an_export(
    at, trained, tmp_path, monkeypatch, livr_command
) -> None:
    """safetensors has an error of its own for it."""

    def no_room(*_: object, **__: object) -> None:
        if at == "card":
            raise OSError(28, "No space left on device", "README.md")
        raise SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        )

    monkeypatch.setattr(api, {"weights": "_write_merged", "card": "write_card"}[at], no_room)
    monkeypatch.delenv("LIVR_DEBUG", raising=False)
    code, out, err = livr_command("export", trained("qwen3_vl"), "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert f"the export to {tmp_path / 'out'} was stopped: " in err
    assert ": No space left on device. Nothing is left of it. Mend this, then" in err
    assert "bug in livr" not in err
    assert list(tmp_path.iterdir()) == []
