"""The page as a browser asks it, over HTTP. Runs where gradio is: make test-app."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import tiny

import livr

pytest.importorskip("gradio", reason="the playground's page needs gradio: make test-app")

from gradio_client import Client, handle_file
from httpx import get, post

CHOICES = ["a cat", "a dog"]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "livr", "app", *map(str, words)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Playground:
    """A running `livr app`."""

    def __init__(self, temporary: Path, *words: object) -> None:
        self.temporary = temporary
        start = command(*words, "--port", free_port())
        # Whoever runs the tests in the background may have Ctrl-C ignored.
        self.process = subprocess.Popen(
            start,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.address, _, rest = self.process.stdout.readline().partition("  ")
        assert rest == "Ctrl-C stops it.\n", self.process.communicate()
        self.client = Client(self.address, verbose=False)

    def __enter__(self) -> Playground:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, files: list[Path], question: str, choices: str = "", **more: object) -> str:
        pictures = [{"image": handle_file(str(file)), "caption": None} for file in files]
        given = {"right": "", "answers": "", "latents": 4} | more
        return self.client.predict(pictures, question, choices, *given.values(), api_name="/ask")

    def stop(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of LIVR on a tiny data set."""
    folder = tmp_path_factory.mktemp("run")
    data = tiny.dataset(folder / "data", train=2, val=2)
    settings = ["epochs=[1, 1]", "latents.num=4"]
    livr.train("mini", data, "livr", out=folder / "run", settings=settings)
    return folder


@pytest.fixture(scope="module")
def playground(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    temporary = tmp_path_factory.mktemp("temporary")
    with Playground(temporary, run / "run", "--data", run / "data") as started:
        yield started


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "first.png", tmp_path / "second.jpg"]
    for i, file in enumerate(files):
        tiny.picture(i, (96, 64)).save(file)
    return files


def test_a_question_with_choices(playground: Playground, pictures, run) -> None:
    html = playground.ask(pictures, "Which is it?", "\n".join(CHOICES))
    expected = livr.predict(livr.load(run / "run"), pictures, "Which is it?", CHOICES)
    assert f"The model wrote: <code>{expected.text}</code>" in html
    shares = np.array(re.findall(r'data-share="([\d.]+)"', html), dtype=float).reshape(2, 3)
    assert shares.sum(0) == pytest.approx([1, 1, 1], abs=1e-5)
    overlays = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert len(overlays) == 2
    for overlay in overlays:
        image = Image.open(io.BytesIO(base64.b64decode(overlay)))
        assert image.width > 2 * image.height and np.asarray(image).std() > 1
    assert "blindfolded" in html and "without latents" in html


def test_the_right_answer_and_answers_to_compare(playground: Playground, pictures) -> None:
    html = playground.ask(pictures[:1], "How many?", right="3", answers="2\n3\n4")
    assert "The right answer: 3" in html and html.count("data-share=") == 9
    assert "likelihood among these answers" in html


def test_a_question_of_the_data_set_fills_the_form(playground: Playground, run) -> None:
    click = {"data": [], "event_data": {"index": 1, "value": None}}
    answer = post(playground.address + "gradio_api/run/load", json=click)
    pictures, question, choices, right, *_ = answer.json()["data"]
    assert (question, choices, right) == (
        "Which of the two is it?",
        "the first\nthe second",
        "B",
    )
    for i, picture in enumerate(pictures):
        stored = (run / f"data/images/test-1-{i}.png").read_bytes()
        assert Path(picture["image"]["path"]).read_bytes() == stored


def test_errors_are_sentences_on_the_page(playground: Playground, pictures, tmp_path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    for given, reason in (
        (([], "Which?"), "there is no image to ask about"),
        ((pictures, ""), "the question is empty"),
        ((pictures, "Which?", "one"), "1 choice; expected 2 to 26"),
        (([broken], "Which?"), "the image broken.png is not an image file"),
        ((pictures, "word " * 40_000), "tokens"),
    ):
        html = playground.ask(*given)
        assert 'role="alert"' in html and reason in html, html[:500]
        assert "Traceback" not in html and str(playground.temporary) not in html


def test_nothing_is_fetched_from_elsewhere(playground: Playground) -> None:
    html = get(playground.address).text
    assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//', html) == []
    assert get(playground.address + "config").json()["stylesheets"] == []
    style = get(playground.address + "theme.css").text
    assert not re.search(r"@import|url\([\"']?https?:", style)


def test_only_the_shown_pictures_can_be_read(playground: Playground, run) -> None:
    def status(file: Path) -> int:
        return get(f"{playground.address}gradio_api/file={file}").status_code

    assert status(run / "data/images/test-0-0.png") == 200
    assert status(run / "data/images/train-0-0.png") == 403
    assert status(run / "data/test.jsonl") == 403


def test_ctrl_c_ends_it_with_one_line_and_leaves_no_picture(run, tmp_path, pictures) -> None:
    with Playground(tmp_path, "mini") as started:
        html = started.ask(pictures, "Which is it?", "\n".join(CHOICES), latents=1)
        assert html.count("data-share=") == 2 and "blindfolded" not in html
        assert list(tmp_path.glob("livr-app-*/*/*"))
        code, out, err = started.stop()
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == "Stopped." and "Traceback" not in err
    assert not list(tmp_path.glob("livr-app-*"))
