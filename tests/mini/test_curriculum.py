"""The curriculum gives the model exactly what the ordinary processor and model would give it."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from livr.data.pool import load_pool
from livr.mini.assets import load_assets
from livr.mini.curriculum import draft, sequence
from livr.mini.folder import learn_tokenizer, save_checkpoint
from livr.mini.packing import Packer
from livr.mini.phases import LOOK_UPS, Phase, first_steps, phase_at
from livr.mini.pixels import patches
from livr.mini.shape import MiniShape, build, shape
from livr.mini.skills.base import Ask, Draft, Note
from livr.mini.stream import Lessons
from livr.mini.tokenizer import special_ids
from livr.mini.worlds import WORLDS

EVERYTHING = Phase(steps=9, worlds=dict.fromkeys(WORLDS, 1.0), shares=(1, 1, 1), questions=12)
LINKS = Phase(steps=9, worlds={"same_spot": 1.0, "same_part": 1.0}, notes=5)


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
    made, asks = draft(rng, load_assets(), count, EVERYTHING)
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
    one = EVERYTHING.model_copy(update={"shares": (1, 0, 0)})
    lessons = Lessons(tokenizer, shape("test"), 0, (one,))
    lesson = lessons[0]
    mask = lesson.mask_B1TT[:, 0]
    assert not mask.triu(1).any()
    seen = mask.sum(-1)
    assert (seen.max(-1).values <= mask.shape[-1]).all()
    assert any(bool(row[100:].max() < 110) for row in seen)


def test_same_place_same_lesson(tokenizer) -> None:
    packer, assets = Packer(tokenizer, shape("mini")), load_assets()
    one, two, other = (
        sequence(packer, assets, EVERYTHING, place) for place in ((0, 5, 1), (0, 5, 1), (0, 5, 2))
    )
    assert one.ids_T.tolist() == two.ids_T.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(one.pixels, two.pixels, strict=True))
    assert one.ids_T.tolist() != other.ids_T.tolist()


def test_hints_ask_for_the_answers_first_token_and_are_not_counted(tokenizer) -> None:
    packer = Packer(tokenizer, shape("mini"))
    ask = Ask("count", "How many?", "10")
    lesson = packer.pack(Draft([Image.new("RGB", (96, 96))], [ask]), [ask], 120, linked=False)
    supervised = np.flatnonzero(lesson.targets_T != -100)
    one, zero = tokenizer("10")["input_ids"]
    end = packer.special["<|im_end|>"]
    assert lesson.targets_T[supervised].tolist() == [one, one, one, zero, end]
    assert lesson.answer_T[supervised].tolist() == [-1, -1, 0, 0, 0]
    assert lesson.ids_T[supervised[2]] == packer.special["<|assistant|>"]
    assert lesson.ids_T[supervised[3]] == one


def test_a_note_is_predicted_where_its_point_lies(tokenizer) -> None:
    """Below, the second of two pictures is split into 8 x 8 cells; the point is in row 2."""
    packer = Packer(tokenizer, shape("mini"))
    pictures = [Image.new("RGB", (96, 72)), Image.new("RGB", (192, 192))]
    made = Draft(pictures, [], [Note(1, (191.0, 49.0), "yes")])
    lesson = packer.pack(made, [Ask("count", "How many?", "1")], 250, linked=False)
    (first,) = [i for i in np.flatnonzero(lesson.targets_T != -100) if lesson.turn_T[i] == 0]
    picture = packer.special["<|image_pad|>"]
    cells = np.flatnonzero(lesson.ids_T == picture)
    assert cells.tolist().index(first) == 8 * 6 + (2 * 8 + 7)
    assert lesson.targets_T[first] == tokenizer("yes")["input_ids"][0]
    assert lesson.answer_T[first] == -1


def test_linked_pictures_note_where_ref_is_found_again(tokenizer) -> None:
    found = []
    for seed in range(12):
        made, _ = draft(random.Random(seed), load_assets(), 2, LINKS)
        sure = [note for note in made.notes if note.word == "yes"]
        assert {note.image for note in sure} <= {1}, "the first picture has nothing to find"
        if made.notes:
            found.append(len(sure))
    assert found
    assert set(found) == {1}


def test_boxes_and_linked_marks_are_told_apart_by_colour() -> None:
    """The tasks ask for their letters; what is learnt before must not answer in them."""
    worlds = Phase(steps=9, worlds={"fits": 1.0, "same_spot": 1.0}, lettered=0.0)
    answers = {
        ask.answer
        for seed in range(20)
        for ask in draft(random.Random(seed), load_assets(), 1 + seed % 2, worlds)[1]
    }
    assert {"red", "blue", "yes", "no"} <= answers
    assert not answers & set("ABCD")


def test_phases_follow_each_other() -> None:
    two = (LOOK_UPS.model_copy(update={"steps": 3}), EVERYTHING)
    assert [phase_at(two, step) for step in (0, 2, 3, 99)] == [two[0], two[0], two[1], two[1]]
    assert first_steps(two, 3) == two[:1]
    assert [p.steps for p in first_steps(two, 5)] == [3, 2]


def test_a_phase_asks_no_more_than_it_says(tokenizer) -> None:
    lesson = sequence(Packer(tokenizer, shape("mini")), load_assets(), LOOK_UPS, (0, 0, 0))
    assert 1 <= len(lesson.skills) <= LOOK_UPS.questions
    assert set(lesson.skills) == {"mark_place"}


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


def test_the_curriculum_is_the_same_in_every_process() -> None:
    """Python hashes words differently in every process; nothing may depend on that."""
    code = (
        "import random, hashlib\n"
        "from livr.mini.assets import load_assets\n"
        "from livr.mini.curriculum import draft\n"
        "from livr.mini.worlds import WORLDS\n"
        "from livr.mini.phases import Phase\n"
        "phase = Phase(steps=1, worlds=dict.fromkeys(WORLDS, 1.0))\n"
        "assets = load_assets()\n"
        "asks = [draft(random.Random(i), assets, 1 + i % 3, phase)[1] for i in range(90)]\n"
        "print(hashlib.sha256(repr(asks).encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
