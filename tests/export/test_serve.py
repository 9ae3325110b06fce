"""transformers' OpenAI-compatible server on an exported folder answers like `livr predict`."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
import urllib.request
from importlib.util import find_spec
from typing import Any

import pytest

import livr
from livr.data.prompts import render
from livr.errors import ConfigError
from livr.export import serve
from tests import tiny

MISSING = [name for name in serve.NEEDS if find_spec(name) is None]


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return dict(json.load(answer))


def data_url(image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("localhost", 0))
        return int(s.getsockname()[1])


@pytest.mark.usefixtures("in_process")
@pytest.mark.skipif(bool(MISSING), reason=f"needs the extra `serve`: {', '.join(MISSING)}")
def test_chat_completions_equal_predict(trained, tmp_path, monkeypatch) -> None:
    from transformers.cli.serve import Serve
    from transformers.cli.serving import model_manager

    run = trained("qwen3_vl")
    folder = livr.export(run, tmp_path / "out").path
    # Restored afterwards, whatever allow_images_only puts there.
    monkeypatch.setattr(model_manager, "ModelManager", model_manager.ModelManager)
    serve.allow_images_only()
    port = free_port()
    server = Serve(force_model=str(folder), port=port, device="cpu", non_blocking=True)
    try:
        deadline = time.monotonic() + 120
        while not server.server.started and time.monotonic() < deadline:
            time.sleep(0.2)
        model = livr.load(run)
        for example in tiny.examples(31)[:2]:
            pictures = [
                {"type": "image_url", "image_url": {"url": data_url(i)}} for i in example.images
            ]
            text = {"type": "text", "text": render(example)}
            body = {
                "model": str(folder),
                "messages": [{"role": "user", "content": [*pictures, text]}],
                "max_tokens": 16,
                "temperature": 0,
            }
            got = post(f"http://localhost:{port}/v1/chat/completions", body)
            said = livr.predict(model, example.images, example.question, example.choices)
            assert got["choices"][0]["message"]["content"].strip() == said.text
            # The server, too, put the latents into the prompt.
            prompt = model.encode([example], "keep", answer=False)[0]
            assert got["usage"]["prompt_tokens"] == len(prompt)
    finally:
        server.kill_server()


def test_without_the_extra_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'livr\[serve\]'"):
        serve.allow_images_only()
