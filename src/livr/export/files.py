"""The files around the weights: tokenizer, processor, chat template, configurations."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from transformers.dynamic_module_utils import get_relative_import_files

from livr.export.source import Source
from livr.export.template import response_template

PROCESSOR_FILES = (
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "image_processor_config.json",
)
"""Copied from the checkpoint, byte for byte, but for a pixel budget that the run has set."""
TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer.model", "special_tokens_map.json")
LEGAL_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty")
"""Left out of the generation config: runs are chosen and measured by greedy answers."""


def write_processor(
    source: Source, processor: Any, template: str, end_of_turn: str, out: Path
) -> None:
    """Write tokenizer, chat template and image settings to `out`.

    Args:
        source: The run.
        processor: Its processor; the tokenizer knows the latents, the pixel budget is set.
        template: The chat template, written wherever servers look for one.
        end_of_turn: The token that ends an answer.
        out: An existing folder.
    """
    _write_tokenizer(source, processor, template, end_of_turn, out)
    for name in (*PROCESSOR_FILES, *LEGAL_FILES):
        path = source.file(name)
        if path is not None:
            shutil.copyfile(path, out / name)
    for name in PROCESSOR_FILES:
        if (out / name).is_file():
            _edit_processor_file(out / name, source.config.max_pixels, processor, template)
    (out / "chat_template.jinja").write_text(template, encoding="utf-8")
    write_json(out / "chat_template.json", {"chat_template": template})


def _write_tokenizer(
    source: Source, processor: Any, template: str, end_of_turn: str, out: Path
) -> None:
    tokenizer = processor.tokenizer
    tokenizer.save_pretrained(out)
    written = json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8"))
    # The source's own settings load in every version that loads the source.
    config = source.json("tokenizer_config.json") or written
    latents = {
        str(i): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for i, token in tokenizer.added_tokens_decoder.items()
        if token.content.startswith("<|latent_")
    }
    if "added_tokens_decoder" in config:
        config["added_tokens_decoder"] |= latents
    config["chat_template"] = template
    is_qwen = str(source.json("config.json").get("model_type")).startswith("qwen")
    found = response_template(processor, end_of_turn) if is_qwen else None
    if found is not None:
        config.setdefault("response_template", found)
    write_json(out / "tokenizer_config.json", config)
    for name in TOKENIZER_FILES:
        path = source.file(name)
        if path is not None:
            shutil.copyfile(path, out / name)
    added = source.json("added_tokens.json")
    if added:
        write_json(
            out / "added_tokens.json", added | {v["content"]: int(k) for k, v in latents.items()}
        )


def _edit_processor_file(path: Path, max_pixels: int | None, processor: Any, template: str) -> None:
    """Put the run's pixel budget into a processor file, and the template where it has one."""
    values = json.loads(path.read_text(encoding="utf-8"))
    before = json.dumps(values)
    if "chat_template" in values:
        values["chat_template"] = template
    images = values.get("image_processor", values)
    is_images = "image_processor" in values or path.name.startswith(("pre", "image"))
    if max_pixels is not None and is_images:
        images |= _budget(processor.image_processor, images)
    if json.dumps(values) != before:
        write_json(path, values)


def _budget(image_processor: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """The pixel budget of an image processor, under the names its file uses."""
    size = {k: int(v) for k, v in dict(image_processor.size).items() if v is not None}
    found: dict[str, Any] = {"size": size}
    if "max_pixels" in stored:
        found |= {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    for name in ("min_patches", "max_patches"):
        value = getattr(image_processor, name, None)
        if value is not None:
            found[name] = int(value)
    return found


def write_config(source: Source, hf: Any, dtype: torch.dtype, out: Path) -> None:
    """The checkpoint's own config.json; only precision and number of tokens may change."""
    config = source.json("config.json")
    name = str(dtype).removeprefix("torch.")
    rows = hf.get_input_embeddings().num_embeddings
    for part in (config, *(v for v in config.values() if isinstance(v, dict))):
        for key in ("dtype", "torch_dtype"):
            if part.get(key) is not None:
                part[key] = name
    if "dtype" not in config and "torch_dtype" not in config:
        config["dtype"] = name
    text = config.get("text_config", {})
    for part in (config, text):
        if "vocab_size" in part:
            part["vocab_size"] = rows
    write_json(out / "config.json", config)


def write_code(source: Source, out: Path) -> None:
    """Copy the checkpoint's own code: modules that `auto_map` names in files of `out`, and what
    they import from beside them. Code that lives in another repository stays there."""
    modules = set()
    for path in out.glob("*.json"):
        named = json.loads(path.read_text(encoding="utf-8")).get("auto_map") or {}
        for value in named.values():
            places = [value] if isinstance(value, str) else value
            modules |= {p.partition(".")[0] for p in places if p and "--" not in p}
    for module in sorted(modules):
        first = source.file(f"{module}.py")
        for path in [] if first is None else [first, *map(Path, get_relative_import_files(first))]:
            shutil.copyfile(path, out / path.name)


def write_generation_config(
    source: Source, ends: Collection[int], unsayable: Collection[int], out: Path
) -> None:
    """Greedy answers as in evaluation; latents and image placeholders are read but never said.

    Args:
        source: The run.
        ends: Tokens that end an answer.
        unsayable: Tokens that are never said, see `Model.unsayable_ids`.
        out: An existing folder.
    """
    config = source.json("generation_config.json")
    for name in SAMPLING:
        config.pop(name, None)
    # With this mark transformers may make the config anew from config.json.
    config.pop("_from_model_config", None)
    config["do_sample"] = False
    config["eos_token_id"] = sorted(ends)
    config["suppress_tokens"] = sorted({*(config.get("suppress_tokens") or []), *unsayable})
    write_json(out / "generation_config.json", config)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
