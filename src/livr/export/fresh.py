"""Answers of an exported folder, as anybody's program would get them: without livr.

`livr.export.verify` runs this file as a program of its own, in which livr cannot be imported. It
uses transformers (and peft, for an adapter) and nothing else, so it is also an example of use.

    python fresh.py EXPORT WORK DEVICE [--base BASE [--revision COMMIT]] [--trust-remote-code]

WORK/questions.json holds the questions; WORK/answers.json and WORK/logits.safetensors come back.
BASE is the checkpoint to put EXPORT on, if EXPORT is an adapter, and COMMIT its own on the hub.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
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
CONFIGS = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
PARTS = {"image_processor", "tokenizer", "video_processor", "chat_template", "self", "kwargs"}
STAND_INS = {
    "PixtralProcessor": ("pixtral.py", "PixtralImageTextProcessor"),
    "SmolVLMProcessor": ("smolvlm.py", "SmolVLMImageTextProcessor"),
}
"""Processors whose own constructors need torchvision, and what stands in for them."""


@contextmanager
def full_float32() -> Iterator[None]:
    """Products of float32 in float32 while this is entered; as before afterwards.

    A program or the environment (`TORCH_ALLOW_TF32_CUBLAS_OVERRIDE`) may have allowed TF32, which
    rounds to ten bits: two equal models that multiply in another order then differ visibly.
    """
    backends: Any = torch.backends
    newer = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
    newer += [backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn]
    # torch holds these settings twice, under older and newer names, and both must say the same.
    products = _said(torch.get_float32_matmul_precision, "highest")
    convolutions = _said(lambda: backends.cudnn.allow_tf32, True)
    before = [part.fp32_precision for part in newer]
    try:
        torch.set_float32_matmul_precision("highest")
        backends.cudnn.allow_tf32 = False
        for part in newer:
            part.fp32_precision = "ieee"
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        backends.cudnn.allow_tf32 = convolutions
        for part, precision in zip(newer, before, strict=True):
            part.fp32_precision = precision


def _said(read: Callable[[], Any], otherwise: Any) -> Any:
    """A setting under its older name; torch refuses to say it where the newer one differs."""
    try:
        return read()
    except RuntimeError:
        return otherwise


def load_processor(folder: str, trust_remote_code: bool = False) -> Any:
    """AutoProcessor; where it cannot be loaded (no torchvision), for images and text alone.

    Args:
        folder: The exported folder.
        trust_remote_code: Whether code in it may run.

    Raises:
        ImportError, ValueError: What transformers says, where nothing else can be done.
    """
    trust = {"trust_remote_code": trust_remote_code}
    try:
        return transformers.AutoProcessor.from_pretrained(folder, **trust)
    # Without torchvision InternVL's fails with a ValueError, that of others with an ImportError.
    except (ImportError, ValueError):
        found = [_read(Path(folder) / name) for name in CONFIGS]
        kind = _family_class(folder, found, trust_remote_code)
        if kind is None:
            raise
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **trust)
    images = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **trust)
    build = _images_and_text(kind)
    return build(images, tokenizer, tokenizer.chat_template, **_settings(build, found[1::-1]))


def _read(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return values


def _family_class(folder: str, found: Sequence[dict[str, Any]], trust_remote_code: bool) -> Any:
    """The processor class that the files name; None where there is none that may be used."""
    own = [c["auto_map"].get("AutoProcessor") for c in found if c.get("auto_map")]
    if any(own) and trust_remote_code:
        return get_class_from_dynamic_module(next(filter(None, own)), folder)
    named = next((c["processor_class"] for c in found if c.get("processor_class")), "")
    return getattr(transformers, named, None)


def _images_and_text(kind: Any) -> Any:
    """A class whose constructor names no video processor: transformers reads the parts from it."""
    if kind.__name__ in STAND_INS:
        file, name = STAND_INS[kind.__name__]
        # By its place, since livr may not be importable; these files need transformers only.
        path = Path(__file__).parents[1] / "backbones" / file
        spec: Any = spec_from_file_location(path.stem, path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)

    class ImagesAndText(kind):  # type: ignore[misc]
        def __init__(  # type: ignore[no-untyped-def]
            self, image_processor=None, tokenizer=None, chat_template=None, **kwargs
        ):
            super().__init__(image_processor, tokenizer, chat_template=chat_template, **kwargs)

    return ImagesAndText


def _settings(kind: Any, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Constructor arguments that files set (`image_seq_length`, ...); later files win."""
    # Of the class itself and, behind ours, of the family's.
    wanted = {n for base in kind.__mro__[:2] for n in inspect.signature(base).parameters} - PARTS
    named = {k: v for config in found for k, v in config.items() if k in wanted}
    # patch_size of an image processor means something else where it is not a number.
    return {k: v for k, v in named.items() if not (k == "patch_size" and isinstance(v, dict))}


def load_model(
    folder: str,
    base: str | None,
    vocabulary: int,
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> Any:
    """The exported model in fp32, or the base model with the exported adapter on it."""
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    options |= {"revision": revision} if revision else {}
    auto = transformers.AutoModelForImageTextToText
    # A model with code of its own may be filed under text generation only.
    config = transformers.AutoConfig.from_pretrained(base or folder, **options)
    own = (getattr(config, "auto_map", None) or {}) if trust_remote_code else {}
    if "AutoModelForCausalLM" in own and "AutoModelForImageTextToText" not in own:
        auto = transformers.AutoModelForCausalLM
    model = auto.from_pretrained(base or folder, dtype=torch.float32, **options)
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
    # PaliGemma's processor gives labels of a prompt, which fit no longer text.
    inputs.pop("labels", None)
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
@full_float32()
def main(words: Sequence[str]) -> None:
    """Answer every question in WORK."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("work", type=Path)
    parser.add_argument("device")
    parser.add_argument("--base")
    parser.add_argument("--revision")
    parser.add_argument("--trust-remote-code", action="store_true")
    given = parser.parse_args(words)
    work, trust = given.work, given.trust_remote_code
    processor = load_processor(given.folder, trust)
    model = load_model(
        given.folder, given.base, len(processor.tokenizer), trust, given.revision
    ).to(given.device)
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
