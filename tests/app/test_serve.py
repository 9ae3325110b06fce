"""What the playground needs is looked for before a model is loaded."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny

from livr.app import serve
from livr.errors import ConfigError, DataError

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def taken() -> int:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_missing_extra_is_one_sentence(
    livr_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    code, out, err = livr_command("app", "no/such/model")
    assert (code, out) == (2, "")
    assert "pip install -e '.[app]'" in err and "pillow" in err and "make app-env" in err


def test_a_taken_port_is_told_before_a_model_is_loaded(
    taken: int, livr_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: object())
    code, out, err = livr_command("app", "no/such/model", "--port", taken)
    assert (code, out) == (2, "")
    assert f"port {taken} is taken" in err and f"--port {taken + 1}" in err


def test_a_port_that_was_left_a_moment_ago_is_free() -> None:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listening.accept()[0] as peer:
            peer.close()  # who closes first keeps the port busy for a while
    serve.need_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str, free: int) -> None:
    with pytest.raises(ConfigError, match=rf"^--host {host} is no address of this machine"):
        serve.need_port(host, free)


def test_a_port_for_the_administrator_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whoever runs the tests may be the administrator.
    def bind(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(ConfigError, match=r"^port 80 is not open to you; give one above 1023"):
        serve.need_port("127.0.0.1", 80)


def test_private_addresses() -> None:
    assert all(map(serve.is_private, ("127.0.0.1", "localhost", "::1", "127.1.2.3")))
    assert not any(map(serve.is_private, ("0.0.0.0", "::", "192.168.0.2")))


def test_the_first_questions_of_a_data_set(tmp_path: Path) -> None:
    data = tiny.dataset(tmp_path / "data", val=20)
    found = serve.first_questions(str(data), "test")
    assert [example.id for example in found] == [f"test-{i}" for i in range(serve.SHOWN)]
    with pytest.raises(DataError, match="does not exist"):
        serve.first_questions(str(data), "tset")
