"""Attention maps, regions, the embedding map, and the files of `livr explain`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tests import tiny

import livr
from livr.analysis import embedding_map
from livr.analysis.attention_maps import Look, coverage, enrichment, look, sinks
from livr.analysis.explain import explain
from livr.analysis.inside.questions import Questions
from livr.analysis.overlays import LONGEST, _question
from livr.analysis.regions import counted_objects, drawn_marks, read_regions
from livr.data.tasks.drawing import draw_boxes
from livr.errors import ConfigError, DataError, ModelError


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest, checkpoints) -> livr.Model:
    return livr.load(checkpoints(request.param), num_latents=3, seed=0)


@pytest.mark.parametrize("mask", ["ordinary", "bottleneck"])
def test_maps_have_the_shape_of_the_images_and_sum_to_one(model, mask) -> None:
    found = look(Questions(model, tiny.examples(), 2), mask)
    assert [len(x.grids) for x in found] == [1, 2, 2]
    rows, columns = found[1].grids[1]
    assert columns > rows  # the second picture is 40 by 24
    for x in found:
        for latent in (None, 0, 2):
            maps = x.maps(latent)
            assert [m.shape for m in maps] == list(x.grids)
            assert sum(float(m.sum()) for m in maps) == pytest.approx(1, abs=1e-5)
        assert (x.weights_KI.sum(1) < 1).all()


def test_a_sink_is_sought_by_all_and_unlike_the_rest() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(4, 64, generator=generator) / 1000 + 0.001
    norms = torch.randn(64, generator=generator) * 0.01
    weights[:, 7] = 0.2
    assert not sinks(weights, norms).any()  # a place all look at, but an ordinary one
    norms[7] = 2.0
    assert sinks(weights, norms).nonzero().flatten().tolist() == [7]
    weights[1:, 7] = 0.001
    assert not sinks(weights, norms).any()  # one latent's choice


def test_enrichment_counts_area_over_all_images() -> None:
    blind = [np.full((4, 4), 1 / 32, np.float32)] * 2
    mask = np.zeros((40, 40), bool)
    mask[:20] = True
    assert enrichment(blind, [mask, None]) == pytest.approx(1)
    seeing = [np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)]
    seeing[0][:2] = 1 / 8
    assert enrichment(seeing, [mask, None]) == pytest.approx(4)
    assert enrichment(blind, [None, None]) is None
    odd = np.zeros((10, 10), bool)
    odd[:, :5] = True
    assert coverage(odd, (3, 3)).mean() == pytest.approx(0.5, abs=0.06)


def test_regions_are_where_things_were_drawn(tmp_path) -> None:
    plain = Image.new("RGB", (100, 80), (90, 120, 90))
    assert drawn_marks(plain) is None
    mask = drawn_marks(draw_boxes(plain, {"A": (10, 20, 50, 60)}))
    assert mask is not None
    assert mask[20:60, 10:50].all()
    assert mask.sum() == 1600
    (tmp_path / "regions.jsonl").write_text('{"id": "1", "box": [0, 0, 10, 20]}\n')
    found = read_regions(tmp_path, {"1": [(40, 30)]})
    assert found["1"][0].sum() == 200
    (tmp_path / "regions.jsonl").write_text('{"id": "1", "box": [0]}\n{"id": "1", "image": 4}\n')
    with pytest.raises(DataError, match=r"regions.jsonl:1"):
        read_regions(tmp_path, {"1": [(40, 30)]})
    examples, objects = counted_objects(3, seed=0)
    assert all(0 < objects[e.id][0].mean() < 0.9 for e in examples)


def test_purity_is_one_for_clusters_and_chance_for_a_mixture() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.array(["a", "b"]), 60)
    groups = np.arange(120)
    apart = rng.normal(size=(120, 8)).astype(np.float32) * 0.1
    apart[:60, 0] += 5
    apart[60:, 1] += 5
    assert embedding_map.purity(apart, labels, groups)["purity"] == 1
    mixed = rng.normal(size=(120, 8)).astype(np.float32)
    found = embedding_map.purity(mixed, labels, groups)
    assert found["chance"] == 0.5
    assert found["purity"] == pytest.approx(0.5, abs=0.08)


def test_one_question_has_no_neighbours_and_no_nan(checkpoints, tmp_path) -> None:
    model = livr.load(checkpoints("qwen3_vl"), num_latents=3, seed=0)
    explain(model, tiny.dataset(tmp_path / "data", val=1), out=tmp_path / "out")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    text = (tmp_path / "out" / "explain.json").read_text()
    found = json.loads(text, parse_constant=refuse)["knn_purity"]["ordinary"]["kind"]
    assert found == {"purity": None, "chance": None, "neighbours": 0}


def test_explain_writes_its_files(model, tmp_path) -> None:
    data = tiny.dataset(tmp_path / "data", val=8)
    (data / "regions.jsonl").write_text('{"id": "test-0", "box": [0, 0, 10, 10]}\n')
    result = explain(model, data, out=tmp_path / "out")
    for name in result.pictures:
        assert Image.open(tmp_path / "out" / name).size[0] > 100
    assert json.loads((tmp_path / "out" / "explain.json").read_text()) == result.numbers
    assert result.numbers["enrichment"]["named"]["ordinary"]["n"] == 1
    assert 0 < result.numbers["attention"]["bottleneck"]["mass_on_images"] < 1
    assert not list((tmp_path / "out").glob("*.part"))


def test_of_several_tasks_each_is_shown_with_its_own_maps(
    checkpoints, tmp_path, monkeypatch
) -> None:
    """A joined test split lists its tasks one after another; the first six would be one task."""
    from livr.analysis import explain as module

    data = tiny.dataset(tmp_path / "data", val=12)
    rows = [json.loads(line) for line in (data / "test.jsonl").read_text().splitlines()]
    for i, row in enumerate(rows):
        row["task"] = "first" if i < 9 else "second"
    (data / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    seen = []
    monkeypatch.setattr(
        module.overlays, "summary", lambda _, shown, columns: seen.append((shown, columns))
    )
    model = livr.load(checkpoints("qwen3_vl"), num_latents=3, seed=0)
    found = explain(model, data, out=tmp_path / "out")
    ((shown, columns),) = seen
    assert [e.id for e in shown] == [f"test-{i}" for i in (0, 9, 1, 10, 2, 11)]
    for _, looks, _ in columns:
        assert [len(x.grids) for x in looks] == [len(e.images) for e in shown]
    assert "task" in found.numbers["knn_purity"]["ordinary"]


def test_a_long_question_keeps_its_end() -> None:
    text = "A box should touch the outermost pixels. " * 6 + "Which box encloses <image> the fish?"
    example = livr.Example(id="1", images=(), question=text, answer="B")
    shown = _question(example)
    assert len(shown) < LONGEST + 20
    assert shown.startswith("A box should touch the")
    assert " … " in shown
    assert shown.endswith("Which box encloses the fish?  Answer: B")
    short = example.model_copy(update={"question": "How many?"})
    assert _question(short) == "How many?  Answer: B"


def test_with_sinks_each_latent_is_drawn_with_and_without_them(
    model, tmp_path, monkeypatch
) -> None:
    from livr.analysis import explain as module

    def with_sink(questions: Questions, mask: str) -> list[Look]:
        found = look(questions, mask)
        if mask == "ordinary":
            for x in found:
                x.sinks_I[0] = True
        return found

    monkeypatch.setattr(module, "look", with_sink)
    data = tiny.dataset(tmp_path / "data", val=8)
    names = explain(model, data, out=tmp_path / "out").pictures
    assert {n for n in names if n.startswith("latents-1")} == {
        "latents-1-ordinary.png", "latents-1-ordinary-raw.png", "latents-1-bottleneck.png",
    }  # fmt: skip
    raw, removed = (
        Image.open(tmp_path / "out" / f"latents-1-ordinary{end}.png").tobytes()
        for end in ("-raw", "")
    )
    assert raw != removed


def test_explain_needs_latents_and_a_folder(checkpoints, tmp_path) -> None:
    data = tiny.dataset(tmp_path / "data")
    for out in (data / "test.jsonl", data / "test.jsonl" / "below"):
        with pytest.raises(ConfigError, match=r"test\.jsonl is not a folder"):
            explain("there is no such model", data, out=out)
    with pytest.raises(ModelError, match="nothing to explain"):
        explain(checkpoints("qwen3_vl"), data, out=tmp_path / "out")
