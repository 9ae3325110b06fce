"""The chat template of a checkpoint is the one that transformers takes; pixel budgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.families import BUILDERS, llava
from transformers import AutoProcessor

import livr
from livr.backbones.processor import load_processor
from livr.errors import ModelError

BLIND = "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"
"""What a language model brings along: it knows no images."""


def arranged(folder: Path, *, tokenizer: object = None, **files: str) -> Path:
    """LLaVA with templates in the tokenizer's settings and in the files named."""
    llava.llava(folder)
    (folder / "chat_template.jinja").unlink()
    if "jinja" in files:
        (folder / "chat_template.jinja").write_text(files["jinja"])
    if "json" in files:
        (folder / "chat_template.json").write_text(json.dumps({"chat_template": files["json"]}))
    if "config" in files:
        change(folder / "processor_config.json", {"chat_template": files["config"]})
    if tokenizer is not None:
        change(folder / "tokenizer_config.json", {"chat_template": tokenizer})
    return folder


def change(file: Path, values: Mapping[str, object]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


@pytest.mark.parametrize(
    "files",
    [
        {"json": llava.VICUNA},
        {"jinja": llava.VICUNA},
        {"config": llava.VICUNA},
        {"json": llava.VICUNA, "jinja": BLIND},
        {"config": llava.VICUNA, "json": BLIND, "jinja": BLIND},
    ],
    ids=lambda files: "+".join(files),
)
def test_the_processors_template_wins_over_the_tokenizers(files, tmp_path) -> None:
    folder = arranged(tmp_path / "model", tokenizer=BLIND, **files)
    ours = load_processor(str(folder)).chat_template
    assert ours == llava.VICUNA == AutoProcessor.from_pretrained(folder).chat_template
    model = livr.load(folder, num_latents=2)
    picture = livr.Example(id="1", images=(), question="Which <image> is it?", answer="a")
    assert "Which <image>\n is it?" in model.encoder.prompt_text(picture)


def test_a_template_that_the_tokenizer_alone_has_is_taken(tmp_path) -> None:
    folder = arranged(tmp_path / "model", tokenizer=llava.VICUNA)
    assert load_processor(str(folder)).chat_template == llava.VICUNA


def named(*names: str) -> list[dict[str, str]]:
    """Templates as tokenizer_config.json lists them."""
    return [{"name": name, "template": f"{name} {llava.VICUNA}"} for name in names]


def test_of_several_templates_the_default_is_taken(tmp_path) -> None:
    folder = arranged(tmp_path / "model", tokenizer=named("tool_use", "default"))
    assert load_processor(str(folder)).chat_template == f"default {llava.VICUNA}"


def test_several_templates_without_a_default_are_one_clear_message(tmp_path) -> None:
    folder = arranged(tmp_path / "model", tokenizer=named("tool_use", "rag"))
    with pytest.raises(
        ModelError, match=r"2 chat templates \(rag, tool_use\).*chat_template.jinja"
    ):
        load_processor(str(folder))


@pytest.mark.parametrize("family", ["llava_next", "llava_onevision"])
def test_families_that_cut_by_a_list_are_not_said_to_read_one_size(family, tmp_path) -> None:
    folder = BUILDERS[family](tmp_path / "model")
    with pytest.raises(ModelError, match=r"into tiles by a list of shapes.* no pixel budget"):
        load_processor(str(folder), max_pixels=256)
