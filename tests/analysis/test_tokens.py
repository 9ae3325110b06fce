"""`livr data show --tokens`: tokens by role, and the mask as a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import ImageColor
from tests import tiny

import livr
from livr.analysis.tokens import COLOURS, LEGEND, mask_picture, spans
from livr.cli.tokens import coloured
from livr.method.roles import Role


@pytest.fixture
def show(livr_command, tmp_path) -> Callable[..., tuple[int, str, str]]:
    return partial(livr_command, "data", "show", tiny.dataset(tmp_path / "data"))


def luminance(colour: str) -> float:
    parts = [v / 255 for v in ImageColor.getrgb(colour)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.PAD])
def test_colours_are_readable_on_white_and_on_black(role) -> None:
    light = luminance(COLOURS[role])
    assert 1.05 / (light + 0.05) > 4 and (light + 0.05) / 0.05 > 4


def test_livr_and_sft(show, checkpoints, tmp_path) -> None:
    out = tmp_path / "shown"
    model = checkpoints("qwen3_vl")
    code, text, err = show("--tokens", "--model", model, "--latents", 4, "--n", 2, "--out", out)
    assert code == 0, err
    assert text.count("LATENT ") == 2 and text.count("<latent x 4>") == 2
    assert "4 latent" in text and "bottleneck mask" in text
    pictures = sorted(out.glob("mask-*.png"))
    assert len(pictures) == 2 and all(str(p) in text for p in pictures)
    code, text, err = show("--tokens", "--model", model, "--out", out)
    assert code == 0, err
    assert "LATENT" not in text and "ordinary mask" in text
    assert "<|im_start|>user\\n" in text and "ANSWER" in text


def test_the_picture_is_the_mask(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), num_latents=4)
    example = tiny.examples()[0]
    parts = {s.role: s for s in spans(model, example)}
    for mask, hidden in (("bottleneck", True), ("ordinary", False)):
        picture = mask_picture(model, example, mask)
        tokens = sum(s.length for s in spans(model, example))
        cell = (picture.width) // (tokens + 3)
        assert picture.size == ((tokens + 3) * cell, (tokens + 3) * cell + LEGEND)

        def at(row: Role, column: Role, picture=picture, cell=cell) -> tuple[int, ...]:
            x, y = ((3 + parts[role].start) * cell + cell // 2 for role in (column, row))
            return picture.getpixel((x, y))

        image, white = ImageColor.getrgb(COLOURS[Role.IMAGE]), (255, 255, 255)
        assert at(Role.LATENT, Role.IMAGE) == image
        assert at(Role.ANSWER, Role.IMAGE) == (white if hidden else image)
        assert at(Role.ANSWER, Role.LATENT) == ImageColor.getrgb(COLOURS[Role.LATENT])
        assert at(Role.IMAGE, Role.ANSWER) == white


def test_tokens_are_coloured_and_told_apart(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), num_latents=4)
    parts = spans(model, tiny.examples()[0])
    for span in parts:
        assert "".join(span.tokens) in (span.text, "")
        line = coloured(span)
        assert line.plain.startswith(span.role.name)
        styles = {str(s.style) for s in line.spans}
        assert any(COLOURS[span.role] in style for style in styles)
        assert any("underline" in style for style in styles) == (len(span.tokens) > 1)


def test_wrong_options(show, checkpoints, tmp_path) -> None:
    folder: Path = checkpoints("qwen3_vl")
    for words, message in (
        (("--tokens",), "give --model"),
        (("--model", folder), "for --tokens"),
        (("--tokens", "--model", folder, "--mask", "nonsense"), "nonsense"),
    ):
        code, text, err = show(*words, "--out", tmp_path / "out")
        assert (code, text) == (2, ""), err
        assert message in err
    assert not list((tmp_path / "out").glob("*.png"))
