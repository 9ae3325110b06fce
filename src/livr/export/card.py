"""The model card: what the model is, what it was trained on, how well it does, how to use it."""

from __future__ import annotations

import inspect
from typing import Any

import transformers
import yaml
from transformers import AutoModelForCausalLM

from livr.backbones.backbone import auto_class
from livr.export.fresh import STAND_INS
from livr.export.result import Export
from livr.export.source import Source
from livr.method.variants import VARIANTS
from livr.mini import EMBEDDED
from livr.mini.card import read_card
from livr.settings import as_yaml

_UNKNOWN_LICENCE = "other"
_TRUST = "trust_remote_code=True"

_MERGED = """```python
from transformers import AutoModelForImageTextToText, AutoProcessor

model = AutoModelForImageTextToText.from_pretrained("THIS FOLDER", device_map="auto")
processor = AutoProcessor.from_pretrained("THIS FOLDER")
messages = [{"role": "user", "content": [
    {"type": "image", "url": "picture.png"},
    {"type": "text", "text": "How many?"},
]}]
inputs = processor.apply_chat_template(
    messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
).to(model.device)
out = model.generate(**inputs, max_new_tokens=16)
print(processor.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```
"""

_ADAPTER = """```python
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig

processor = AutoProcessor.from_pretrained("THIS FOLDER")
model = AutoModelForImageTextToText.from_pretrained("{base}", device_map="auto")
if len(processor.tokenizer) > model.get_input_embeddings().num_embeddings:
    model.resize_token_embeddings(len(processor.tokenizer), mean_resizing=False)
model = PeftModel.from_pretrained(model, "THIS FOLDER")
model.generation_config = GenerationConfig.from_pretrained("THIS FOLDER")
```
"""


def write_card(source: Source, done: Export, latents: range) -> None:
    """Write README.md into the exported folder."""
    parts = [
        _front_matter(source, done),
        f"# {source.base_name}, trained with LIVR's `{source.config.method}`\n",
        _what(source, done, latents),
        "## Use\n\n" + _use(source, done),
        _latents(latents),
        "## Scores\n\n" + _scores(source),
        "## Data\n\n" + _data(source),
        "## Recipe\n\n" + _recipe(source),
        "## Comparison with the run\n\n" + _comparison(done),
        "## Licence\n\n" + _licence_text(source),
    ]
    text = "\n".join(part for part in parts if part)
    (done.path / "README.md").write_text(text, encoding="utf-8")


def _front_matter(source: Source, done: Export) -> str:
    values: dict[str, Any] = {
        "library_name": "peft" if done.kind == "adapter" else "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": list(dict.fromkeys(["livr", source.config.method])),
        "license": licence(source) or _UNKNOWN_LICENCE,
    }
    if source.hub_id is not None:
        values["base_model"] = source.hub_id
    return f"---\n{as_yaml(values)}---\n"


def _what(source: Source, done: Export, latents: range) -> str:
    method = source.config.method
    arm = VARIANTS.get(method)
    what = f"`{method}` ({arm.source})" if arm is not None else f"`{method}`"
    kind = "LoRA weights" if done.kind == "adapter" else "Merged weights"
    return (
        f"{kind} in {done.dtype}, made from `{source.base_name}`. Method: {what}; sections "
        "are those of the LIVR paper, arXiv 2512.21218. "
        + (f"{len(latents)} latents." if latents else "No latents.")
        + "\n"
    )


def _use(source: Source, done: Export) -> str:
    text = _ADAPTER if done.kind == "adapter" else _MERGED
    own = source.own_code
    if own:
        for place in ('"THIS FOLDER"', '"{base}"'):
            text = text.replace(f"from_pretrained({place}", f"from_pretrained({place}, {_TRUST}")
        if auto_class(own) is AutoModelForCausalLM:
            text = text.replace("AutoModelForImageTextToText", "AutoModelForCausalLM")
        text += (
            "\nThe model brings code of its own, copied from the base model. Read it before you "
            f"set `{_TRUST}`. Where `generate` refuses `mm_token_type_ids`, delete it from the "
            "inputs: processors give it, and older code does not take it.\n"
        )
    if _needs_torchvision(source):
        text += (
            "\nThis family's processor needs torchvision, mostly to read videos. Where it is "
            "missing, `livr.export.fresh.load_processor` takes the place of "
            "`AutoProcessor.from_pretrained`, for images and text.\n"
        )
    if source.commit is not None:
        text = text.replace('"{base}"', f'"{{base}}", revision="{source.commit}"')
    return text.replace("{base}", source.hub_id or source.base_name)


def _needs_torchvision(source: Source) -> bool:
    configs = map(source.json, ("processor_config.json", "preprocessor_config.json"))
    named = next((c["processor_class"] for c in configs if "processor_class" in c), "")
    kind = getattr(transformers, named, None)
    if kind is None or named in STAND_INS:
        return kind is not None
    return "video_processor" in inspect.signature(kind.__init__).parameters


def _latents(latents: range) -> str:
    if not latents:
        return ""
    return (
        f"The {len(latents)} latents (`<|latent_0|>` to `<|latent_{len(latents) - 1}|>`, token ids "
        f"{latents.start} to {latents.stop - 1}) are part of the prompt. The chat template adds "
        "them to the last user turn; do not write them yourself. The generation config bars them "
        "from answers. Answers are greedy (`do_sample: false`); with a server that has its own "
        "defaults, set temperature 0.\n"
    )


def _scores(source: Source) -> str:
    scores, trained = source.json_in_run("scores.json"), source.json_in_run("train.json")
    lines = []
    if "accuracy" in scores:
        low, high = scores["ci95"]
        lines.append(
            f"- {scores.get('split', 'test')}: {scores['accuracy']:.1%} of {scores['n']} right "
            f"(95 % interval {low:.1%} to {high:.1%}), seed {scores.get('seed')}"
        )
    if trained.get("val_accuracy") is not None:
        lines.append(
            f"- validation: {trained['val_accuracy']:.1%}; the checkpoint kept is the "
            f"{trained['kept']} one, epoch {trained['epoch']:g} of the last stage"
        )
    return "\n".join(lines or ["The run was not evaluated: `livr eval RUN --data DIR`."]) + "\n"


def _data(source: Source) -> str:
    trained = source.json_in_run("train.json")
    data = source.config.data
    lines = [
        f"`{data.name if data else 'unknown'}`, {trained.get('train_examples', '?')} examples."
    ]
    manifest = data / "manifest.json" if data is not None else None
    if manifest is not None and manifest.is_file():
        values = yaml.safe_load(manifest.read_text(encoding="utf-8"))
        origin = values.get("source") or {}
        for name in ("name", "licence", "url"):
            if isinstance(origin, dict) and origin.get(name):
                lines.append(f"- {name}: {origin[name]}")
    return "\n".join(lines) + "\n"


def _recipe(source: Source) -> str:
    values = source.config.model_dump(mode="json", exclude={"out"})
    # Paths of the machine it was trained on say nothing to anybody else.
    values["model"] = source.base_name
    values["data"] = source.config.data.name if source.config.data else None
    return f"```yaml\n{as_yaml(values)}```\n"


def _comparison(done: Export) -> str:
    found = done.verification
    return (
        f"Before this folder was written, it was loaded in a process without LIVR and asked "
        f"{found.questions} questions ({found.origin}): {found.same_answers} answers equal the "
        f"run's. Logits differ by at most {found.rounding_difference:.2g} (their standard "
        f"deviation is {found.logit_deviation:.2g}).\n"
    )


def licence(source: Source) -> str | None:
    """The licence named in the base checkpoint's own model card, or None."""
    if source.config.model in EMBEDDED:
        return read_card(source.config.model).licence.lower()
    path = source.file("README.md")
    if path is None:
        return None
    parts = path.read_text(encoding="utf-8", errors="replace").split("---", 2)
    if len(parts) < 3 or parts[0].strip():
        return None
    try:
        values = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return None
    found = values.get("license") if isinstance(values, dict) else None
    return str(found) if found else None


def _licence_text(source: Source) -> str:
    named = licence(source)
    if named is not None:
        return f"That of the base model, `{source.base_name}`: {named}.\n"
    return (
        f"That of the base model, `{source.base_name}`, whose files do not name it. Look it up "
        "before you pass this model on.\n"
    )
