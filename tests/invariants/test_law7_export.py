"""Law 7: the exported folder, loaded by plain transformers, gives the run's answers and logits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForImageTextToText

import livr
from livr.errors import ModelError
from livr.export import fresh
from livr.export.fresh import load_processor
from livr.mini import checkpoint_dir
from tests import tiny
from tests.export.conftest import in_process, trained  # noqa: F401

TIED = {"qwen3_vl": True, "qwen2_5_vl": False}


def plain_answers(folder: Path, examples) -> list[tuple[str, list[int]]]:
    """Answers and prompts from the folder alone: its processor, its template, its weights."""
    processor = load_processor(str(folder))
    hf = AutoModelForImageTextToText.from_pretrained(folder).eval()
    found = []
    for example in examples:
        content = [{"type": "image", "image": image} for image in example.images]
        content.append({"type": "text", "text": livr.data.prompts.render(example)})
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        ids = hf.generate(**inputs, max_new_tokens=16)[0].tolist()
        start = inputs["input_ids"].shape[1]
        text = processor.decode(ids[start:], skip_special_tokens=True).strip()
        found.append((text, ids[:start]))
    return found


def same_as_run(run: Path, folder: Path, examples) -> None:
    model = livr.load(run, dtype="float32")
    for example, (text, prompt) in zip(examples, plain_answers(folder, examples), strict=True):
        assert model.encode([example], "keep", answer=False)[0].ids_T.tolist() == prompt
        assert model.generate([example]) == [text]


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("spare", [0, 16])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_tied_and_untied_with_and_without_spare_rows(family, spare, trained, tmp_path) -> None:  # noqa: F811
    run = trained(family, spare)
    done = livr.export(run, tmp_path / "out")
    assert done.verification.same_answers == done.verification.questions == 4
    assert done.verification.file_difference <= done.verification.rounding_difference + 1e-4
    config = json.loads((done.path / "config.json").read_text())
    source = json.loads((Path(livr.load(run).source) / "config.json").read_text())
    assert config["tie_word_embeddings"] is TIED[family]
    grown = {0: 4, 16: 0}[spare]
    text = config.get("text_config", config)
    assert text["vocab_size"] == source.get("text_config", source)["vocab_size"] + grown
    same_as_run(run, done.path, [e for e in tiny.examples(77) if "<image>" not in e.question])


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_it_is_the_training_that_is_exported(family, trained, tmp_path) -> None:  # noqa: F811
    """Without this, every comparison above could pass on a model that has learnt nothing."""
    run = trained(family)
    model = livr.load(run)
    base = livr.load(model.source, num_latents=4)
    for one, two in zip(model.logits(tiny.examples()), base.logits(tiny.examples()), strict=True):
        assert (one - two).abs().max() > 0.1


@pytest.mark.usefixtures("in_process")
def test_logits_of_a_loaded_export_equal_the_runs(trained, tmp_path) -> None:  # noqa: F811
    run = trained("qwen2_5_vl")
    folder = livr.export(run, tmp_path / "out").path
    examples = tiny.examples(5)
    for one, two in zip(
        livr.load(run).logits(examples), livr.load(folder).logits(examples), strict=True
    ):
        torch.testing.assert_close(one[:, :-4], two[:, :-4], rtol=1e-3, atol=1e-3)


def test_in_a_process_without_livr(trained, tmp_path, monkeypatch) -> None:  # noqa: F811
    """The comparison itself runs where livr cannot be imported."""
    done = livr.export(trained("qwen3_vl"), tmp_path / "out")
    assert done.verification.same_answers == done.verification.questions
    # The same program, if it needed livr.
    needy = tmp_path / "needy.py"
    code = Path(fresh.__file__).read_text(encoding="utf-8")
    line = "    work, trust = given.work"
    assert code.count(line) == 1
    monkeypatch.setattr(fresh, "__file__", str(needy))
    needy.write_text(code.replace(line, f"    import livr\n{line}"))
    with pytest.raises(ModelError, match=r"(?s)cannot use the exported folder.*import of livr"):
        livr.export(trained("qwen3_vl"), tmp_path / "again")


@pytest.mark.usefixtures("in_process")
def test_rounded_weights(trained, tmp_path) -> None:  # noqa: F811
    done = livr.export(trained("qwen3_vl"), tmp_path / "out", dtype="bfloat16")
    with safe_open(done.path / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert json.loads((done.path / "config.json").read_text())["dtype"] == "bfloat16"
    found = done.verification
    assert found.file_difference < 1e-3 * found.logit_deviation < found.rounding_difference


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    "settings",
    [
        {"method": "sft"},
        {"tune": "full"},
        {"latents": {"num": 4, "placement": "before"}},
        {"latents": {"num": 4, "shared": True}},
        {"max_pixels": 400},
    ],
    ids=lambda s: "-".join(f"{k}" for k in s),
)
def test_other_runs(settings, trained, tmp_path) -> None:  # noqa: F811
    run = trained("qwen3_vl", **settings)
    done = livr.export(run, tmp_path / "out")
    assert done.verification.same_answers == done.verification.questions
    assert done.latents == livr.load(run).num_latents


CARD_AT_WORK = """
import sys
sys.modules["livr"] = None
sys.path.insert(0, sys.argv[1])
from fresh import load_processor
{code}
print(type(model).__module__)
"""


def code_of_the_card(folder: Path) -> str:
    """The example in an export's model card, for a machine without torchvision."""
    code = (folder / "README.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    return code.replace("AutoProcessor.from_pretrained", "load_processor").replace(
        "THIS FOLDER", str(folder)
    )


def test_the_embedded_model(tmp_path) -> None:
    """Exported, loaded and asked where livr cannot be imported, also as its card shows."""
    try:
        checkpoint_dir("mini")
    except ModelError:
        pytest.skip("the embedded model is not in this checkout")
    run = livr.train(
        "mini",
        tiny.dataset(tmp_path / "data"),
        out=tmp_path / "run",
        settings=["epochs=[1,1]", "optim.lr=1e-3", "latents.num=16"],
    )
    done = livr.export(run, tmp_path / "out")
    assert done.verification.same_answers == done.verification.questions
    assert done.latents == 16
    code = code_of_the_card(done.path)
    assert code.count("load_processor(") == 1
    copy = tmp_path / "alone"
    copy.mkdir()
    (copy / "fresh.py").write_text(Path(fresh.__file__).read_text(encoding="utf-8"))
    image = tiny.picture(3, (64, 48))
    image.save(tmp_path / "picture.png")
    shown = subprocess.run(
        [sys.executable, "-c", CARD_AT_WORK.format(code=code), str(copy)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    said, module = shown.stdout.rstrip("\n").rsplit("\n", 1)
    assert said.strip() == livr.predict(run, [image], "How many?").text
    assert module.startswith("transformers.models.qwen3_vl")
