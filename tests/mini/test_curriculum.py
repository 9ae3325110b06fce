"""The curriculum gives the model exactly what the ordinary processor and model would give it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image

from livr.data.pool import load_pool
from livr.mini.assets import load_assets
from livr.mini.curriculum import WORLDS, Packer, draft, sequence
from livr.mini.folder import learn_tokenizer, save_checkpoint
from livr.mini.pixels import patches
from livr.mini.shape import MiniShape, build, shape
from livr.mini.stream import Lessons
from livr.mini.tokenizer import special_ids

EQUAL = dict.fromkeys(WORLDS, 1.0)


@pytest.fixture(scope="module")
def tokenizer():
    return learn_tokenizer(0)


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("mini") / "checkpoint"
    numbers = shape("mini")
    model = build(numbers, special_ids(tokenizer), len(tokenizer) + 64, 0)
    save_checkpoint(model, tokenizer, numbers, path)
    return path


@pytest.mark.parametrize("size", [(96, 96), (128, 80), (40, 90), (333, 171), (20, 20)])
@pytest.mark.parametrize("numbers", [shape("mini"), shape("test")], ids=["merge 2", "merge 1"])
def test_patches_equal_the_saved_processor(size, numbers: MiniShape, folder) -> None:
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    processor.patch_size, processor.merge_size = numbers.patch, numbers.merge
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    out = processor(images=[image], return_tensors="np")
    ours, rows, columns = patches(image, numbers)
    assert out["image_grid_thw"].tolist() == [[1, rows, columns]]
    np.testing.assert_allclose(ours, out["pixel_values"], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_first_turn_equals_the_ordinary_prompt(count, folder, tokenizer) -> None:
    """Ids and rotary positions of pictures and first turn are those of `livr.load`."""
    import livr

    rng = random.Random(count)
    made, asks = draft(rng, load_assets(), count, EQUAL)
    packer = Packer(tokenizer, shape("mini"))
    lesson = packer.pack(made, asks[:1], 500, linked=False)
    real = int((lesson.turn_T >= 0).sum())
    model = livr.load(folder)
    example = livr.Example(
        id="1", images=tuple(made.images), question=asks[0].question, answer=asks[0].answer
    )
    encoded = model.encoder.encode(example)
    assert lesson.ids_T[:real].tolist() == encoded.ids_T.tolist()
    batch = model.batch([encoded])
    positions, _ = model.hf.model.get_rope_index(
        batch.inputs["input_ids"],
        mm_token_type_ids=batch.inputs["mm_token_type_ids"],
        image_grid_thw=batch.inputs["image_grid_thw"],
        attention_mask=batch.inputs["attention_mask"],
    )
    assert torch.equal(positions[:, 0], torch.from_numpy(lesson.positions_3T[:, :real]))


def test_turns_cannot_see_each_other_unless_they_are_one_conversation(tokenizer) -> None:
    lessons = Lessons(tokenizer, shape("test"), 0, (1, 0, 0))
    lesson = lessons[0]
    mask = lesson.mask_B1TT[:, 0]
    assert not mask.triu(1).any()
    seen = mask.sum(-1)
    assert (seen.max(-1).values <= mask.shape[-1]).all()
    assert any(bool(row[100:].max() < 110) for row in seen)


def test_same_place_same_lesson(tokenizer) -> None:
    packer, assets = Packer(tokenizer, shape("mini")), load_assets()
    one, two, other = (
        sequence(packer, assets, EQUAL, (1, 1, 1), place)
        for place in ((0, 5, 1), (0, 5, 1), (0, 5, 2))
    )
    assert one.ids_T.tolist() == two.ids_T.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(one.pixels, two.pixels, strict=True))
    assert one.ids_T.tolist() != other.ids_T.tolist()


def test_only_training_groups_are_used() -> None:
    assets = load_assets()
    groups = {p.group for p in load_pool("train")}
    held_out = {p.group for split in ("val", "test") for p in load_pool(split)}
    assert not groups & held_out
    assert {p.group for p in (*assets.photos, *assets.cutouts)} <= groups


@pytest.mark.parametrize(
    "text", ["plain words", "A B C (D)", "1234.5 €", "日本語 🐟", "  spaces\n\n", "snake_case-ID#7"]
)
def test_any_text_survives_the_tokenizer(text, tokenizer) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_letters_and_digits_are_single_tokens(tokenizer) -> None:
    for text in [*"ABCDXYZ", *"0123456789"]:
        assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == 1
    assert len(tokenizer("10", add_special_tokens=False)["input_ids"]) == 2
