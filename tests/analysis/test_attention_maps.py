"""On every family: maps lie where the pixels are, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests import tiny
from tests.families import BUILDERS

import livr
from livr.analysis.attention_maps import Grid, Look, enrichment, grids, look, margins
from livr.analysis.inside.questions import Questions
from livr.analysis.overlays import overlay
from livr.errors import UnsupportedModelError

SIZES = ((64, 16), (32, 32))
LOOKS: dict[str, tuple[Grid, Grid]] = {
    "qwen2_vl": ((2, 8), (4, 4)),
    "qwen2_5_vl": ((2, 8), (4, 4)),
    "qwen3_vl": ((2, 8), (4, 4)),
    "qwen3_vl_moe": ((2, 8), (4, 4)),
    "glm4v": ((1, 5), (2, 2)),
    "pixtral": ((2, 8), (8, 8)),
    "mistral3": ((1, 4), (4, 4)),
    "llava": ((4, 4), (4, 4)),
    "gemma3": ((2, 2), (2, 2)),
    "paligemma": ((4, 4), (4, 4)),
}
"""Rows and columns of images of `SIZES` (width, height)."""
TILES = sorted(set(BUILDERS) - set(LOOKS))


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., livr.Model]:
    made: dict[str, Path] = {}

    def get(family: str, **settings: int) -> livr.Model:
        if family not in made:
            made[family] = BUILDERS[family](tmp_path_factory.mktemp(family))
        return livr.load(made[family], num_latents=3, seed=0, **settings)

    return get


def asked(*images: Image.Image) -> livr.Example:
    return livr.Example(id="1", images=images, question="How many?", answer="1")


def with_quarter_changed(size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Noise, and the same with other noise in its upper right quarter."""
    one, two = (np.array(tiny.picture(seed, size)) for seed in (0, 1))
    changed = one.copy()
    changed[: size[1] // 2, size[0] // 2 :] = two[: size[1] // 2, size[0] // 2 :]
    return Image.fromarray(one), Image.fromarray(changed)


def found_in(model: livr.Model, image: Image.Image) -> tuple[torch.Tensor, Grid]:
    """Features of an image, and the grid that its positions are said to form."""
    (row,) = model.encode([asked(image)], "keep", answer=False)
    (grid,) = grids(model, row, 1)
    return torch.cat([f.pooled_ID for f in model.image_features([row])[0]]), grid


def assert_in_the_upper_right(model: livr.Model, size: tuple[int, int]) -> None:
    (before, grid), (after, _) = (found_in(model, im) for im in with_quarter_changed(size))
    moved = (after - before).norm(dim=-1).reshape(grid)
    half = (grid[0] // 2, grid[1] // 2)
    corner = moved[: half[0], half[1] :]
    rest = torch.cat([moved[half[0] :].flatten(), moved[: half[0], : half[1]].flatten()])
    assert corner.mean() > 1.5 * rest.mean()


@pytest.mark.parametrize("family", LOOKS)
def test_rows_and_columns_are_those_of_the_positions(family: str, load) -> None:
    model = load(family)
    examples = [asked(*(tiny.picture(i, size) for i, size in enumerate(SIZES)))]
    (found,) = look(Questions(model, examples, 2), "bottleneck")
    assert found.grids == LOOKS[family]
    assert sum(float(m.sum()) for m in found.maps()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("family", sorted(LOOKS))
def test_positions_lie_where_the_pixels_are(family: str, load) -> None:
    assert_in_the_upper_right(load(family), (32, 32))


@pytest.mark.parametrize("family", TILES)
def test_images_in_tiles_are_refused_with_what_still_works(family: str, load) -> None:
    questions = Questions(load(family), [asked(*(tiny.picture(0, size) for size in SIZES))], 2)
    with pytest.raises(UnsupportedModelError, match=r"into tiles.* livr audit needs no maps"):
        look(questions, "ordinary")


@pytest.mark.parametrize("family", ["internvl", "smolvlm", "idefics3"])
def test_one_tile_is_one_rectangle(family: str, load) -> None:
    model = load(family, max_pixels=16 * 16)
    assert found_in(model, tiny.picture(0, (64, 16)))[1] == (2, 2)
    assert_in_the_upper_right(model, (32, 32))


def test_what_is_cut_off_at_the_edges_gets_no_attention(load) -> None:
    """LLaVA 1.5 sees the square in the middle of an image."""
    model = load("llava")
    (found,) = look(Questions(model, [asked(*(tiny.picture(0, s) for s in SIZES))], 2), "ordinary")
    assert found.margins == ((0, 6), (0, 0))
    wide, square = found.maps()
    assert (wide.shape, square.shape) == ((4, 16), (4, 4))
    seen = np.zeros((4, 16), bool)
    seen[:, 6:10] = True
    assert np.array_equal(wide > 0, seen)
    picture = tiny.picture(0, (64, 16))
    drawn, dark = (np.asarray(overlay([picture], [m])) for m in (wide, np.zeros((4, 16))))
    assert np.array_equal(drawn[:, :16], dark[:, :16])
    assert not np.array_equal(drawn[:, 24:40], dark[:, 24:40])
    assert margins(model, [(4, 4)], [(16, 24)]) == [(1, 0)]


def test_a_blind_look_at_the_middle_of_an_image_is_not_enriched() -> None:
    sinks = torch.zeros(16, dtype=torch.bool)
    blind = Look(torch.full((1, 16), 1 / 16), torch.ones(1, 16), sinks, ((4, 4),), ((0, 6),))
    mask = np.zeros((16, 64), bool)
    mask[:8, 20:34] = True
    assert enrichment(blind.maps(), [mask], blind.margins) == pytest.approx(1)
