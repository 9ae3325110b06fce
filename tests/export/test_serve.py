"""transformers' OpenAI-compatible server on an exported folder answers like `livr predict`."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
from typing import Any

import pytest

import livr
from livr.data.prompts import render
from livr.errors import ConfigError
from livr.export import serve
from tests import tiny
from tests.export.serving import NEEDS_SERVER, served


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


@pytest.mark.usefixtures("in_process")
@NEEDS_SERVER
def test_chat_completions_equal_predict(trained, tmp_path) -> None:
    run = trained("qwen3_vl")
    folder = livr.export(run, tmp_path / "out").path
    model = livr.load(run)
    with served(folder) as address:
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
            got = post(f"{address}/chat/completions", body)
            said = livr.predict(model, example.images, example.question, example.choices)
            assert got["choices"][0]["message"]["content"].strip() == said.text
            # The server, too, put the latents into the prompt.
            prompt = model.encode([example], "keep", answer=False)[0]
            assert got["usage"]["prompt_tokens"] == len(prompt)


def test_what_cannot_be_served_is_one_message(trained, tmp_path, monkeypatch) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    run = trained("qwen3_vl")
    for folder, message in (
        (tmp_path / "gone", "no such folder"),
        (tmp_path, "no config.json"),
        (tmp_path / "adapter", "without --adapter"),
        (run, f"livr export {run}"),
    ):
        monkeypatch.setattr("sys.argv", ["serve", str(folder), "--port", "1"])
        with pytest.raises(SystemExit, match=message) as stopped:
            serve.main()
        assert str(stopped.value).startswith("error: ")


def test_without_the_extra_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -e '.\[serve\]'"):
        serve.allow_images_only()
