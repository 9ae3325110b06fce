"""Image features on disk: equal to live ones, shared, bounded, and rebuilt when damaged."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
import torch

import livr.model.load as loading
from livr.backbones.feature_store import FeatureStore, encoder_name, entry_key
from livr.config import LatentsConfig, TrainConfig
from livr.model.adapter import add_lora
from livr.model.model import Model
from livr.train.dataset import EncodedSet, open_store
from livr.train.plan import _where_features_go
from livr.train.run import train
from tests import tiny
from tests.families import BUILDERS

GIB = 1 << 30


def fresh_store(model: Model, folder: Path, limit: int = GIB) -> FeatureStore:
    return FeatureStore(folder, encoder_name(model.hf, model.processor.image_processor), limit)


def shards(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def no_tower(self, encoded):
    raise AssertionError("the vision tower ran")


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> Model:
    return loading.load(checkpoints(request.param), num_latents=4, seed=0)


@pytest.fixture
def qwen3(checkpoints) -> Model:
    return loading.load(checkpoints("qwen3_vl"), num_latents=4, seed=0)


def assert_live(model: Model, kept: EncodedSet) -> None:
    """Features and logits of a set equal those of the vision tower bit for bit."""
    live = EncodedSet(model, kept.examples, cache_vision=False)
    for i in range(len(kept)):
        row, features = kept[i]
        expected = model.image_features([live[i][0]])[0]
        assert len(features) == len(expected) > 0
        for one, two in zip(features, expected, strict=True):
            assert torch.equal(one.pooled_ID, two.pooled_ID)
            assert len(one.deepstack) == len(two.deepstack)
            assert all(map(torch.equal, one.deepstack, two.deepstack))
            assert one.stacked == two.stacked
        with torch.no_grad():
            logits = [model.answer_logits(s.batch([s[i]])) for s in (kept, live)]
        assert torch.equal(*logits)
        assert not any(name.startswith("pixel_values") for name in row.images)


def test_stored_features_equal_live_ones_bit_for_bit(model, tmp_path, monkeypatch) -> None:
    deep = model.hf.config.model_type == "qwen3_vl"
    kept = EncodedSet(model, tiny.examples(), store=fresh_store(model, tmp_path))
    assert_live(model, kept)
    assert [len(f.deepstack) for f in kept[1][1]] == [2 if deep else 0] * 2
    assert shards(tmp_path)
    monkeypatch.setattr(Model, "image_features", no_tower)
    again = EncodedSet(model, tiny.examples(), store=fresh_store(model, tmp_path))
    monkeypatch.undo()
    assert_live(model, again)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(shards(tmp_path)[0]) in maps.read_text()
        opened = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        assert not [name for name in opened if name.endswith(".safetensors")], "one file per shard"


def test_other_examples_use_what_is_there_and_add_the_rest(qwen3, tmp_path, monkeypatch) -> None:
    EncodedSet(qwen3, tiny.examples()[:2], store=fresh_store(qwen3, tmp_path))
    ran: list[str] = []
    tower = Model.image_features
    monkeypatch.setattr(
        Model, "image_features", lambda s, e: ran.extend(r.id for r in e) or tower(s, e)
    )
    kept = EncodedSet(qwen3, tiny.examples()[::-1], store=fresh_store(qwen3, tmp_path))
    assert set(ran) == {"3"}
    monkeypatch.undo()
    assert_live(qwen3, kept)


def test_the_key_is_images_budget_and_encoder(checkpoints, qwen3) -> None:
    folder = checkpoints("qwen3_vl")
    name = encoder_name(qwen3.hf, qwen3.processor.image_processor)
    other = loading.load(folder, latents=LatentsConfig(num=7))
    add_lora(other, TrainConfig().lora)
    assert encoder_name(other.hf, other.processor.image_processor) == name
    small = loading.load(folder, max_pixels=512)
    assert encoder_name(small.hf, small.processor.image_processor) != name
    with torch.no_grad():
        next(other.hf.get_encoder("image").parameters()).view(-1)[0] += 1e-3
    assert encoder_name(other.hf, other.processor.image_processor) != name
    rows = [m.encode(tiny.examples(seed), "keep", True) for m in (qwen3, small) for seed in (0, 50)]
    keys = {entry_key(row.images) for part in rows for row in part}
    assert len(keys) == 12
    again = qwen3.encode(tiny.examples(), "drop", False)
    assert [entry_key(r.images) for r in again] == [entry_key(r.images) for r in rows[0]]


def truncated(shard: Path) -> None:
    os.truncate(shard, shard.stat().st_size - 5)


def emptied(shard: Path) -> None:
    shard.write_bytes(b"")


def flipped(shard: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[-3] ^= 1
    shard.write_bytes(data)


def foreign(shard: Path) -> None:
    shard.write_bytes(b"not a shard at all")


@pytest.mark.parametrize("damage", [truncated, emptied, flipped, foreign])
def test_damaged_files_are_found_and_rebuilt(damage, qwen3, tmp_path) -> None:
    EncodedSet(qwen3, tiny.examples(), store=fresh_store(qwen3, tmp_path))
    before = {path: path.read_bytes() for path in shards(tmp_path)}
    damage(shards(tmp_path)[0])
    assert_live(qwen3, EncodedSet(qwen3, tiny.examples(), store=fresh_store(qwen3, tmp_path)))
    assert {path: path.read_bytes() for path in shards(tmp_path)} == before


def test_an_interrupted_writer_leaves_nothing_that_counts(qwen3, tmp_path, monkeypatch) -> None:
    store = fresh_store(qwen3, tmp_path)
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(KeyError))
    with pytest.raises(KeyError):
        EncodedSet(qwen3, tiny.examples(), store=store)
    monkeypatch.undo()
    assert not shards(tmp_path) and not list(tmp_path.rglob("*.part"))


def test_beyond_the_limit_it_says_so_and_goes_on_without(qwen3, tmp_path, caplog) -> None:
    kept = EncodedSet(qwen3, tiny.examples(), store=fresh_store(qwen3, tmp_path, limit=1000))
    assert "vision_cache_gib" in caplog.text and "max_pixels" in caplog.text
    assert not shards(tmp_path)
    assert_live(qwen3, kept)


def test_an_estimate_that_was_too_low_ends_at_the_limit(
    qwen3, tmp_path, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(EncodedSet, "_fits", lambda self, store: True)
    kept = EncodedSet(qwen3, tiny.examples(), store=fresh_store(qwen3, tmp_path, limit=1000))
    assert "limit of the vision cache" in caplog.text
    assert not shards(tmp_path)
    assert_live(qwen3, kept)


def test_the_least_recently_used_encoder_makes_room(qwen3, tmp_path) -> None:
    EncodedSet(qwen3, tiny.examples(), store=fresh_store(qwen3, tmp_path))
    size = sum(path.stat().st_size for path in shards(tmp_path))
    (tmp_path / "notes.txt").write_text("not ours")
    (old := tmp_path / ("0" * 16)).mkdir()
    (old / "a.safetensors").write_bytes(b"x" * size)
    os.utime(old, (1, 1))
    store = fresh_store(qwen3, tmp_path, limit=int(2.5 * size))
    assert store.make_room(size // 4) and (old / "a.safetensors").exists()
    assert store.make_room(size) and not (old / "a.safetensors").exists()
    assert not store.make_room(2 * size)
    assert (tmp_path / "notes.txt").exists() and len(shards(tmp_path)) == 1


def fill_in_a_process(model: Model, folder: Path, gate, log: Path) -> None:
    torch.set_num_threads(1)
    tower = Model.image_features

    def noted(self, encoded):
        with log.open("a") as file:
            file.write(encoded[0].id + "\n")
        return tower(self, encoded)

    Model.image_features = noted
    examples = [e.model_copy(update={"id": f"{i}"}) for i, e in enumerate(many())]
    EncodedSet._fits = lambda self, store: True
    store = fresh_store(model, folder)
    gate.wait()
    EncodedSet(model, examples, store=store)


def many():
    return [example for seed in range(0, 160, 10) for example in tiny.examples(seed)]


def test_two_processes_share_the_work(qwen3, tmp_path, monkeypatch) -> None:
    fork = multiprocessing.get_context("fork")
    gate, log = fork.Barrier(2), tmp_path / "log"
    arguments = (qwen3, tmp_path / "cache", gate, log)
    workers = [fork.Process(target=fill_in_a_process, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(log.read_text().split(), key=int) == [str(i) for i in range(48)]
    monkeypatch.setattr(Model, "image_features", no_tower)
    kept = EncodedSet(qwen3, many(), store=fresh_store(qwen3, tmp_path / "cache"))
    monkeypatch.undo()
    kept.examples = kept.examples[:3]
    assert_live(qwen3, kept)


def test_a_tower_that_trains_is_not_cached(qwen3, tmp_path) -> None:
    next(qwen3.hf.get_encoder("image").parameters()).requires_grad_(True)
    config = TrainConfig(out=tmp_path / "run")
    assert open_store(qwen3, config) is None
    assert EncodedSet(qwen3, tiny.examples()).items is None
    assert not (tmp_path / ".vision-cache").exists()


def test_runs_side_by_side_share_the_cache(checkpoints, tmp_path, monkeypatch) -> None:
    values = {
        "epochs": [1, 1],
        "model": str(checkpoints("qwen3_vl")),
        "data": tiny.dataset(tmp_path / "data"),
        "latents": {"num": 4},
        "optim": {"batch_size": 4},
    }
    train(TrainConfig.model_validate(values | {"out": tmp_path / "runs" / "livr"}))
    assert shards(tmp_path / "runs" / ".vision-cache")
    monkeypatch.setattr(Model, "image_features", no_tower)
    other = {"out": tmp_path / "runs" / "sft", "method": "sft", "epochs": [1], "seed": 7}
    train(TrainConfig.model_validate(values | other))
    with pytest.raises(AssertionError, match="tower ran"):
        train(
            TrainConfig.model_validate(
                values | {"out": tmp_path / "runs" / "b", "vision_cache": tmp_path / "elsewhere"}
            )
        )


def test_a_plan_says_where_features_go() -> None:
    config, small = TrainConfig(), TrainConfig(vision_cache_gib=0.5)
    named = TrainConfig(vision_cache=Path("shared"))
    counts = (1000, 24)
    assert (
        _where_features_go(1 << 20, counts, config)
        == "about 1 GiB in a vision cache beside the run"
    )
    assert _where_features_go(1 << 20, counts, named) == "about 1 GiB in shared"
    assert _where_features_go(1 << 20, counts, small).startswith("about 1 GiB in memory (more than")
    assert "in every epoch" in _where_features_go(5 << 20, counts, small)
    assert "not kept" in _where_features_go(0, counts, config)


@pytest.mark.parametrize("family", ["smolvlm", "idefics3"])
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "in memory"])
def test_kept_rows_hold_nothing_that_the_tower_alone_needs(family, stored, tmp_path) -> None:
    """Which pixels are real is said pixel by pixel, in eight bytes each."""
    model = loading.load(BUILDERS[family](tmp_path / family), num_latents=4, seed=0)
    store = fresh_store(model, tmp_path / "cache") if stored else None
    kept = EncodedSet(model, tiny.examples(), store=store)
    assert_live(model, kept)
    live = EncodedSet(model, kept.examples, cache_vision=False)
    assert all("pixel_attention_mask" in row.images for row, _ in map(live.__getitem__, range(3)))
    assert [name for row, _ in kept.items for name in row.images if "pixel" in name] == []
