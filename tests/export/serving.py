"""transformers' own server on an exported folder, in this process."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from livr.export import serve

MISSING = [name for name in serve.NEEDS if find_spec(name) is None]
NEEDS_SERVER = pytest.mark.skipif(
    bool(MISSING), reason=f"needs the extra `serve`: {', '.join(MISSING)}"
)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return int(s.getsockname()[1])


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve `folder`; gives the address up to /v1."""
    from transformers.cli.serve import Serve
    from transformers.cli.serving import model_manager

    with pytest.MonkeyPatch.context() as patch:
        # Restored afterwards, whatever allow_images_only puts there.
        patch.setattr(model_manager, "ModelManager", model_manager.ModelManager)
        serve.allow_images_only()
        port = free_port()
        server = Serve(force_model=str(folder), port=port, device="cpu", non_blocking=True)
        try:
            deadline = time.monotonic() + 120
            while not server.server.started and time.monotonic() < deadline:
                time.sleep(0.2)
            yield f"http://localhost:{port}/v1"
        finally:
            server.kill_server()
