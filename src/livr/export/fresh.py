"""Answers of an exported folder, as anybody's program would get them: without livr.

`livr.export.verify` runs this file as a program of its own, in which livr cannot be imported. It
uses transformers (and peft, for an adapter) and nothing else, so it is also an example of use.

    python fresh.py EXPORT WORK DEVICE [--base BASE] [--trust-remote-code]

WORK/questions.json holds the questions; WORK/answers.json and WORK/logits.safetensors come back.
BASE is the checkpoint to put EXPORT on, if EXPORT is an adapter.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers.dynamic_module_utils import get_class_from_dynamic_module

MAX_NEW_TOKENS = 16
TOKEN_TYPES = ("mm_token_type_ids", "token_type_ids")


def load_processor(folder: str, trust_remote_code: bool = False) -> Any:
    """AutoProcessor; where its video half cannot be loaded (no torchvision), without that half."""
    trust = {"trust_remote_code": trust_remote_code}
    try:
        return transformers.AutoProcessor.from_pretrained(folder, **trust)
    except ImportError:
        pass
    configs = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
    found = [
        json.loads((Path(folder) / c).read_text()) for c in configs if (Path(folder) / c).is_file()
    ]
    own = [c["auto_map"].get("AutoProcessor") for c in found if "auto_map" in c]
    if any(own) and trust_remote_code:
        kind = get_class_from_dynamic_module(next(filter(None, own)), folder)
    else:
        named = next(c["processor_class"] for c in found if "processor_class" in c)
        kind = getattr(transformers, named)

    class ImagesAndText(kind):  # type: ignore[misc, valid-type]
        # transformers reads from this signature which parts there are.
        def __init__(  # type: ignore[no-untyped-def]
            self, image_processor=None, tokenizer=None, chat_template=None, **kwargs
        ):
            super().__init__(image_processor, tokenizer, chat_template=chat_template, **kwargs)

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **trust)
    images = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **trust)
    build: Any = ImagesAndText
    return build(images, tokenizer, chat_template=tokenizer.chat_template)


def load_model(
    folder: str, base: str | None, vocabulary: int, trust_remote_code: bool = False
) -> Any:
    """The exported model in fp32, or the base model with the exported adapter on it."""
    trust = {"trust_remote_code": trust_remote_code}
    auto = transformers.AutoModelForImageTextToText
    # A model with code of its own may be filed under text generation only.
    config = transformers.AutoConfig.from_pretrained(base or folder, **trust)
    own = (getattr(config, "auto_map", None) or {}) if trust_remote_code else {}
    if "AutoModelForCausalLM" in own and "AutoModelForImageTextToText" not in own:
        auto = transformers.AutoModelForCausalLM
    model = auto.from_pretrained(base or folder, dtype=torch.float32, **trust)
    if base is None:
        return model.eval()
    from peft import PeftModel

    if vocabulary > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(vocabulary, mean_resizing=False)
    model = PeftModel.from_pretrained(model, folder).eval()
    model.generation_config = transformers.GenerationConfig.from_pretrained(folder)
    return model


def plain(model: Any) -> Any:
    """The transformers model, without peft around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def ask(
    model: Any, processor: Any, question: dict[str, Any], work: Path
) -> tuple[list[int], str, Tensor]:
    """Returns the prompt's ids, the model's answer, and (T_answer, V) logits of a given answer."""
    content = question["content"]
    for item in content:
        if item["type"] == "image":
            item["image"] = Image.open(work / item["image"])
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    ).to(model.device)
    # Processors of recent versions give token types that the code of a checkpoint may not take.
    known = inspect.signature(type(plain(model)).forward).parameters
    for name in TOKEN_TYPES:
        if name in inputs and name not in known:
            del inputs[name]
    prompt = inputs["input_ids"][0].tolist()
    said = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS)[0, len(prompt) :]
    text = processor.decode(said, skip_special_tokens=True).strip()
    tail = torch.tensor([question["answer"]], device=model.device)
    types = torch.full_like(tail, question["type"])
    tails = {"input_ids": tail, "attention_mask": torch.ones_like(tail)}
    tails |= dict.fromkeys(TOKEN_TYPES, types)
    for name, more in tails.items():
        if name in inputs:
            inputs[name] = torch.cat([inputs[name], more], dim=1)
    logits = model(**inputs).logits[0, len(prompt) - 1 : -1]
    return prompt, text, logits.float().cpu().contiguous()


@torch.no_grad()
def main(words: Sequence[str]) -> None:
    """Answer every question in WORK."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("work", type=Path)
    parser.add_argument("device")
    parser.add_argument("--base")
    parser.add_argument("--trust-remote-code", action="store_true")
    given = parser.parse_args(words)
    work, trust = given.work, given.trust_remote_code
    processor = load_processor(given.folder, trust)
    model = load_model(given.folder, given.base, len(processor.tokenizer), trust).to(given.device)
    answers: list[dict[str, Any]] = []
    logits: dict[str, Tensor] = {}
    for question in json.loads((work / "questions.json").read_text(encoding="utf-8")):
        prompt, text, scores = ask(model, processor, question, work)
        answers.append({"prompt": prompt, "text": text})
        logits[str(len(logits))] = scores
    save_file(logits, work / "logits.safetensors")
    (work / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    sys.modules["livr"] = None  # type: ignore[assignment]
    main(sys.argv[1:])
