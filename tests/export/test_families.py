"""Every family can be exported, also where torchvision is missing, merged and as an adapter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import livr
from livr.config import TrainConfig, dump
from livr.export import fresh
from livr.export.api import Export
from livr.method.variants import variant
from livr.model.adapter import save_adapter
from livr.model.load import load
from livr.train.equip import equip
from tests import tiny
from tests.families import BUILDERS

SCALED = ("gemma3", "paligemma")
"""Families whose embedding multiplies its rows by sqrt(D)."""
WITHOUT_TORCHVISION = ("llava", "llava_next", "idefics3", *SCALED)
"""Families whose stock processors load without torchvision."""


@pytest.fixture(scope="module", params=BUILDERS)
def run(request, tmp_path_factory) -> Path:
    """What training would have left, without the wait: weights moved at random."""
    family = request.param
    folder = tmp_path_factory.mktemp(family) / family
    folder.mkdir()
    values = {
        "method": "livr",
        "model": str(BUILDERS[family](folder / "base")),
        "data": tiny.dataset(folder / "data", 1, 3),
        "out": folder / "run",
        "epochs": [1, 1],
        "latents": {"num": 4},
    }
    config = TrainConfig.model_validate(values)
    model = load(config.model, dtype="float32")
    equip(model, variant("livr"), config)
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.hf.named_parameters():
        if ".lora_B." in name:
            weight.data = 0.1 * torch.randn(weight.shape, generator=generator)
    (folder / "run").mkdir()
    save_adapter(model, folder / "run" / "adapter")
    dump(config, folder / "run" / "config.yaml")
    return folder / "run"


def proven(run: Path, out: Path, *, adapter: bool = False) -> Export:
    done = livr.export(run, out, adapter=adapter)
    found = done.verification
    assert found.same_answers == found.questions >= 1
    assert found.rounding_difference < 1e-3 * found.logit_deviation
    return done


@pytest.mark.usefixtures("in_process")
def test_the_export_is_the_run(run, tmp_path) -> None:
    done = proven(run, tmp_path / "out")
    barred = json.loads((done.path / "generation_config.json").read_text())["suppress_tokens"]
    config = json.loads((done.path / "config.json").read_text())
    image = config.get("image_token_id", config.get("image_token_index"))
    ids = json.loads((done.path / "livr.json").read_text())["latents"]
    assert barred == sorted([image, *ids])
    # What is looked up is the run's rows; the table holds them without the factor.
    rows = livr.load(run).latents.rows_KD()
    embedding = livr.load(done.path).hf.get_input_embeddings()
    torch.testing.assert_close(embedding(torch.tensor(ids)), rows, rtol=1e-6, atol=1e-6)
    assert torch.equal(embedding.weight[ids], rows) is (run.parent.name not in SCALED)
    asks_for_it = "needs torchvision" in (done.path / "README.md").read_text()
    assert asks_for_it is (run.parent.name not in WITHOUT_TORCHVISION)
    if run.parent.name in SCALED:
        proven(run, tmp_path / "adapter", adapter=True)


ALONE = """
import sys
sys.modules["livr"] = None
sys.path.insert(0, sys.argv[1])
from PIL import Image
from fresh import load_processor
for folder in sys.argv[2:]:
    processor = load_processor(folder)
    text = processor.image_token + "Q"
    ids = processor(images=[Image.new("RGB", (32, 32))], text=[text])["input_ids"][0]
    print(type(processor).__name__, len(ids))
"""


def test_processors_that_need_torchvision_need_neither_it_nor_livr(tmp_path) -> None:
    """What stands in for them here is read from its file, where livr cannot be imported."""
    names = ("smolvlm", "pixtral", "internvl")
    folders = [BUILDERS[name](tmp_path / name) for name in names]
    expected = []
    for folder in folders:
        processor = livr.load(folder).processor
        image = tiny.picture(0)
        ids = processor(images=[image], text=[processor.image_token + "Q"])["input_ids"][0]
        expected.append(len(ids))
    shown = subprocess.run(
        [sys.executable, "-P", "-c", ALONE, str(Path(fresh.__file__).parent), *map(str, folders)],
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert [int(line.split()[1]) for line in shown.stdout.splitlines()] == expected


def test_a_folder_that_names_no_processor_says_what_transformers_says(
    tmp_path, monkeypatch
) -> None:
    def fail(folder: str, **options: object) -> None:
        raise ValueError("what is wrong")

    monkeypatch.setattr(fresh.transformers.AutoProcessor, "from_pretrained", fail)
    with pytest.raises(ValueError, match="what is wrong"):
        fresh.load_processor(str(tmp_path))
