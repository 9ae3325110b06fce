"""The playground as a server on this machine: what it needs, its start and its end."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec

from livr.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livr.data.example import Example
    from livr.model.model import Model

SHOWN = 12
"""Questions of a data set that can be loaded with a click."""
_OURS = ("127.0.0.1", "localhost", "::1")


def need_gradio() -> None:
    """Look for the extra before anything is loaded.

    Raises:
        ConfigError: It is not installed.
    """
    if find_spec("gradio") is None:
        raise ConfigError(
            "the playground needs gradio, which needs a pillow below 13. Either, in LIVR's folder: "
            "pip install -e '.[app]', which puts the older pillow into this environment; or: make "
            "app-env, which makes a second one beside it, and .venv-app/bin/python -m livr app ..."
        )


def need_port(host: str, port: int) -> None:
    """Look whether the server can listen there before a model is loaded.

    Raises:
        ConfigError: Something else listens there, or this machine has no such address.
    """
    try:
        (family, *_, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: a port that was left a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(_unusable(host, port, error)) from error


def _unusable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is taken, perhaps by another playground; stop that one, or give another "
            f"port: --port {port + 1 if port < 65535 else port - 1}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is not open to you; give one above 1023: --port 7860"
    return (
        f"--host {host} is no address of this machine ({error.strerror}); give 127.0.0.1, which "
        "only this machine reaches, or 0.0.0.0 for all its addresses"
    )


def is_private(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return host in _OURS or host.startswith("127.")


def first_questions(data: str, split: str) -> list[Example]:
    """The first questions, of every task in turn.

    Raises:
        DataError: The data set cannot be read.
    """
    from livr.analysis.explain import in_turn
    from livr.data.store import load_split

    asked = load_split(data, split)
    return [asked[i] for i in in_turn([example.task for example in asked], SHOWN)]


def serve(
    model: Model,
    name: str,
    examples: Sequence[Example],
    *,
    host: str,
    port: int,
    open_browser: bool = False,
    on_ready: Callable[[str], None],
) -> None:
    """Serve the page until KeyboardInterrupt, which ends it.

    Args:
        model: The model.
        name: What its user calls it.
        examples: Questions that can be loaded with a click.
        host: Address to listen on.
        port: Port to listen on.
        open_browser: Whether a browser is opened.
        on_ready: Called with the page's address once it can be opened.

    Raises:
        ConfigError: The port was taken in the meantime.
    """
    from livr.data.store import picture_files

    files = [str(file) for file in picture_files(examples)]
    with tempfile.TemporaryDirectory(prefix="livr-app-") as folder:
        _settle(folder, host)
        # Only now, since it reads its surroundings when it is imported.
        from livr.app.page import css, page, theme

        blocks = page(model, name, examples)
        try:
            blocks.launch(
                server_name=host,
                server_port=port,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                quiet=True,
                share=False,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                enable_monitoring=False,
                run_history=False,
                show_error=True,
                footer_links=[],
                allowed_paths=files,
                theme=theme(),
                css=css(),
            )
            on_ready(blocks.local_url)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        except OSError as error:
            raise ConfigError(_unusable(host, port, OSError(errno.EADDRINUSE, ""))) from error
        finally:
            blocks.close(verbose=False)


def _settle(folder: str, host: str) -> None:
    """What Gradio reads from the environment, most of it once, when it is imported."""
    # Pictures that are asked about are kept here, and are gone at the end.
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # It asks itself whether it is there, which no proxy could tell.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), host, "localhost"]))
