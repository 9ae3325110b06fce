"""What each role of a sequence says, for every family and every kind of prompt."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import livr.model.load as loading
from livr.analysis.tokens import LEGEND, marked, mask_picture, mask_table, spans
from livr.method.roles import Role
from livr.model.model import Model
from livr.model.probes import probes
from tests.families import BUILDERS

SEEN = re.escape("[I]")
FAKE = "<fake_token_around_image>"
CHATML = "<|im_start|>user\n{}[L]<|im_end|>\n<|im_start|>assistant\n[a word<|im_end|>]"
QWEN = (CHATML, re.escape("<|vision_start|>[I]<|vision_end|>"))
VICUNA = ("<s>USER: {}[L] ASSISTANT:[ a word</s>]", rf"{SEEN}\n")
PIXTRAL = ("<s>[INST]{}[L][/INST][a word</s>]", rf"({SEEN}\[IMG_BREAK\])*{SEEN}\[IMG_END\]")
IDEFICS = (
    "<|im_start|>User: {}[L]<end_of_utterance>\nAssistant:[ a word<end_of_utterance>]",
    rf"({FAKE}<row_\d_col_\d>{SEEN}\n?)*\n?{FAKE}<global-img>{SEEN}{FAKE}",
)
GEMMA = "<bos><start_of_turn>user\n{}[L]<end_of_turn>\n<start_of_turn>model\n[a word<end_of_turn>]"
GLM = "[gMASK]<sop><|user|>\n{}[L]<|assistant|>\n[a word<|endoftext|>]"

EXPECTED = {
    "qwen2_vl": QWEN,
    "qwen2_5_vl": QWEN,
    "qwen3_vl": QWEN,
    "qwen3_vl_moe": QWEN,
    "llava_onevision": (CHATML, rf"{SEEN}\n"),
    "llava": VICUNA,
    "llava_next": VICUNA,
    "pixtral": PIXTRAL,
    "mistral3": PIXTRAL,
    "smolvlm": IDEFICS,
    "idefics3": IDEFICS,
    "internvl": (CHATML, re.escape("<img>[I]</img>\n")),
    "gemma3": (GEMMA, re.escape("\n\n<start_of_image>[I]<end_of_image>\n\n")),
    "paligemma": ("{}[L]\n[a word<eos>]", SEEN),
    "glm4v": (GLM, re.escape("<|begin_of_image|>[I]<|end_of_image|>")),
}
"""Per family the turn, with {} for the question, and one image as a regular expression.

[I] image positions, [L] latents, [...] the answer; everything else is PROMPT."""


@pytest.fixture(scope="module", params=BUILDERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    family = request.param
    folder: Path = BUILDERS[family](tmp_path_factory.mktemp(family))
    made = loading.load(folder, num_latents=4, seed=0)
    made.source = family
    return made


def written(model: Model, index: int) -> str:
    """A probe with image runs as [I], latents as [L], the answer in brackets."""
    signs = {Role.IMAGE: "[I]", Role.LATENT: "[L]"}
    parts = spans(model, probes()[index])
    return "".join(
        signs.get(s.role, f"[{s.text}]" if s.role is Role.ANSWER else s.text) for s in parts
    )


def test_text_before_between_and_after_images(model: Model) -> None:
    turn, image = EXPECTED[model.source]
    # PaliGemma's processor puts the begin of the sequence behind the last image.
    begin = "<bos>" if model.source == "paligemma" else ""
    question = f"First IMAGE then, in between, IMAGE{begin} and after."
    wanted = re.escape(turn.format(question)).replace("IMAGE", image)
    found = written(model, 2)
    assert re.fullmatch(wanted, found), f"\nfound  {found!r}\nwanted {wanted!r}"


def test_images_come_first_without_marks(model: Model) -> None:
    found = written(model, 1)
    assert found.index("Which of the two") > found.rindex("[I]")
    assert len(re.findall(r"\[I\]", found)) >= 1
    assert found.index("[L]") > found.index("(B) the second")
    assert found.endswith("]") and re.search(r"\[ ?B", found)


SYSTEM = "You are <b>a helpful</b> assistant."


@pytest.mark.parametrize("family", ["qwen2_5_vl", "mistral3", "smolvlm"])
def test_a_system_prompt_of_the_template_is_prompt(family, tmp_path) -> None:
    """Published templates bring one of their own: Qwen2.5-VL, Mistral 3."""
    begin, end = {
        "qwen2_5_vl": ("<|im_start|>system\n", "<|im_end|>\n"),
        "mistral3": ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
        "smolvlm": ("<|im_start|>System: ", "<end_of_utterance>\n"),
    }[family]
    folder = BUILDERS[family](tmp_path / family)
    file = folder / "chat_template.jinja"
    whole = file.read_text(encoding="utf-8")
    loop = whole.index("{% for")
    file.write_text(f"{whole[:loop]}{begin}{SYSTEM}{end}{whole[loop:]}", encoding="utf-8")
    plain = loading.load(BUILDERS[family](tmp_path / "plain"), num_latents=4, seed=0)
    model = loading.load(folder, num_latents=4, seed=0)
    for index in range(3):
        without, found = written(plain, index), written(model, index)
        head, _, tail = found.partition(f"{begin}{SYSTEM}{end}")
        assert head + tail == without, found
    assert model.encoder.end_of_turn == plain.encoder.end_of_turn


def test_spans_cover_every_position(model: Model) -> None:
    parts = spans(model, probes()[2])
    ends = [s.start + s.length for s in parts]
    assert [s.start for s in parts] == [0, *ends[:-1]]
    assert sum(s.length for s in parts if s.role is Role.LATENT) == 4
    lines = marked(parts).splitlines()
    assert len(lines) == len(parts) and lines[0].startswith(parts[0].role.name)


def test_the_mask_is_shown_as_it_is(model: Model) -> None:
    example = probes()[0]
    heading, *rows = mask_table(model, example)
    cells = {
        (row[0].split()[0], column.split()[0]): cell
        for row in rows
        for column, cell in zip(heading[1:], row[1:], strict=True)
    }
    assert cells["prompt", "image"] == cells["answer", "image"] == "-"
    assert cells["latent", "image"] == "all"
    assert cells["answer", "latent"] == "all"
    ordinary = mask_table(model, example, "ordinary")
    assert "all" in ordinary[-1]
    picture = mask_picture(model, example)
    assert picture.width == picture.height - LEGEND
    assert len(set(picture.getdata())) >= 5
