"""Every bad input is found, with file and row, all in one run."""

from __future__ import annotations

import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from livr.data.check import check_folder
from livr.data.check_length import TokenCount, length_problems
from livr.data.example import Example
from livr.data.inspection import inspect_picture
from livr.data.store import load_split
from livr.errors import DataError


def save_noise(path: Path, seed: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = random.Random(seed).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, pixels).save(path)


def row(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "id": f"r{number}",
        "task": "inspect",
        "images": [f"images/{number}.png"],
        "question": "Scratched?",
        "choices": ["yes", "no"],
        "answer": "A",
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not ...}


def write(folder: Path, **splits: list[Any]) -> None:
    for split, rows in splits.items():
        lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    for number in range(10):
        save_noise(root / f"images/{number}.png", number)
    return root


def found(folder: Path) -> list[tuple[str, int | None, str]]:
    return [(p.file, p.row, p.message) for p in check_folder(folder).problems]


def test_a_good_folder_has_no_problem(folder: Path) -> None:
    open_row = row(2, choices=None, answer="7", question="How many in <image>?")
    write(folder, train=[row(0), row(1)], val=[open_row], test=[row(3)])
    report = check_folder(folder)
    assert report.problems == []
    assert report.counts == {"train": 2, "val": 1, "test": 1}
    assert report.images == 4
    assert [e.answer for e in load_split(folder, "val")] == ["7"]
    assert all(Path(str(e.images[0])).is_absolute() for e in load_split(folder, "train"))


BAD_ROWS: list[tuple[Any, str]] = [
    ("{not json", "not a JSON object"),
    ("[1, 2]", "found list"),
    (row(0, extra=1), 'unknown key "extra"'),
    (row(0, question=...), '"question" is missing'),
    (row(0, id=5), '"id"'),
    (row(0, images="images/0.png"), '"images"'),
    (row(0, images=[3]), '"images.0"'),
    (row(0, choices=None, answer=7), '"answer"'),
    (row(0, id=" "), "the id is empty"),
    (row(0, question="  "), "the question is empty"),
    (row(0, question="<image>"), "the question is empty"),
    (row(0, answer=""), "the answer is empty"),
    (row(0, answer="C"), "not among the choices"),
    (row(0, answer="no"), 'write "B"'),
    (row(0, answer="AB"), "not among the choices"),
    (row(0, choices=["yes"]), "1 choices"),
    (row(0, choices=["yes", " "]), "choice B is empty"),
    (row(0, choices=["yes", "yes"]), "same choice twice"),
    (row(0, choices=["yes", "no", " yes "]), "choices A and C read the same: 'yes' and ' yes '"),
    (row(0, choices=["caf\u00e9", "cafe\u0301"]), "choices A and B read the same"),
    (row(0, task=" "), "the task is empty"),
    (row(0, choices=None, board=[], answer="R"), "the board is empty"),
    (row(0, choices=None, board=["SF", "FG"], answer="U"), "the answer 'U' is no safe path"),
    (row(0, choices=None, board=["SH", "FG"], answer="R,D"), "it falls into a hole"),
    (row(0, images=[]), "no image"),
    (row(0, question="<image> or <image>?"), "2 <image> marks"),
    (row(0, images=[""]), "image path is empty"),
    (row(0, images=["images/none.png"]), "does not exist"),
    (row(0, images=["images"]), "not a file"),
    (row(0, images=["/etc/hostname"]), "absolute"),
    (row(0, images=["C:\\a.png"]), "absolute"),
    (row(0, images=["../outside.png"]), "leaves the data set folder through .."),
    (row(0, images=["images/link.png"]), "leaves the data set folder through a link"),
    (row(0, images=["images/text.png"]), "not an image"),
    (row(0, images=["images/cut.png"]), "damaged"),
    (row(0, images=["images/empty.png"]), "empty file"),
    (row(0, images=["images/bomb.png"]), "is huge"),
    (row(0, images=["images/large.png"]), "is huge: 12000 x 12000 pixels"),
    (row(0, id="\ud800"), '"id" holds a lone surrogate'),
    (
        row(0, question="\ud800?"),
        '"question" holds a lone surrogate, half of a character: \\ud800?',
    ),
    (row(0, choices=None, answer="\udfff"), '"answer" holds a lone surrogate'),
    (row(0, choices=["yes", "\ud800"]), '"choices" holds a lone surrogate'),
    (row(0, images=["images/\ud800.png"]), "path images/\\ud800.png holds a lone surrogate"),
    (json.dumps(row(0))[:-1] + ', "answer": "B"}', 'the key "answer" stands twice in one object'),
    ('{"id": %s}' % ("1" * 5000), "a number has more than 4,300 digits"),
]


def spoil(folder: Path) -> None:
    """Adds every kind of bad image file."""
    save_noise(folder.parent / "outside.png", 99)
    (folder / "images/link.png").symlink_to(folder.parent / "outside.png")
    (folder / "images/text.png").write_text("hello")
    save_noise(folder / "images/whole.png", 50, (64, 64))
    data = (folder / "images/whole.png").read_bytes()
    (folder / "images/cut.png").write_bytes(data[: len(data) // 2])
    (folder / "images/empty.png").touch()
    (folder / "images/bomb.png").write_bytes(png_header(50_000, 50_000))
    (folder / "images/large.png").write_bytes(png_header(12_000, 12_000))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be large and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 9))


@pytest.mark.parametrize(("bad", "message"), BAD_ROWS, ids=[m for _, m in BAD_ROWS])
def test_each_bad_row_is_named_with_its_line(folder: Path, bad: Any, message: str) -> None:
    spoil(folder)
    write(folder, train=[row(1), bad, row(2)])
    problems = found(folder)
    assert len(problems) == 1, problems
    assert problems[0][:2] == ("train.jsonl", 2)
    assert message in problems[0][2]


def test_all_problems_come_in_one_run(folder: Path) -> None:
    spoil(folder)
    write(folder, train=[bad for bad, _ in BAD_ROWS])
    rows = {number for _, number, _ in found(folder)}
    assert rows == set(range(1, len(BAD_ROWS) + 1))


def test_the_cheap_check_at_loading_names_all_rows(folder: Path) -> None:
    write(folder, train=[row(0, question=""), row(1), row(2, images=["nope.png"])])
    with pytest.raises(DataError) as caught:
        load_split(folder, "train")
    assert [(p.file, p.row) for p in caught.value.problems] == [
        ("train.jsonl", 1),
        ("train.jsonl", 3),
    ]


def test_duplicate_ids_within_and_across_splits(folder: Path) -> None:
    write(folder, train=[row(0), row(1, id="r0")], val=[row(2, id="r0")])
    problems = found(folder)
    assert [(f, n) for f, n, _ in problems] == [("train.jsonl", 2), ("val.jsonl", 1)]
    assert all("train.jsonl:1" in message for *_, message in problems)


def test_same_picture_in_two_splits_by_content(folder: Path) -> None:
    with Image.open(folder / "images/0.png") as image:
        image.save(folder / "images/copy.bmp")
    write(folder, train=[row(0)], val=[row(1, images=["images/copy.bmp"])], test=[row(0, id="t")])
    problems = found(folder)
    assert [(f, n) for f, n, _ in problems] == [("val.jsonl", 1), ("test.jsonl", 1)]
    assert all("in two splits" in message for *_, message in problems)


def test_a_source_in_two_splits_is_a_leak(folder: Path) -> None:
    scene = {"sources": ["scene 1", "scene 2"]}
    write(folder, train=[row(0, **scene), row(1, **scene)], val=[row(2, sources=["scene 2"])])
    [(file, number, message)] = found(folder)
    assert (file, number) == ("val.jsonl", 1)
    assert "source 'scene 2' is in two splits: it is already in train.jsonl:1" in message


@pytest.mark.parametrize(("wrong", "said"), [
    ([""], "one of the sources is empty"), ("scene", "must be a list"), ([7], "must be text"),
])  # fmt: skip
def test_sources_are_names(folder: Path, wrong: Any, said: str) -> None:
    write(folder, train=[row(0, sources=wrong)])
    [(_, _, message)] = found(folder)
    assert said in message


def test_the_same_picture_turned_by_its_metadata_is_the_same(folder: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    with Image.open(folder / "images/0.png") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(folder / "images/turned.png", exif=turned)
    write(folder, train=[row(0)], val=[row(1, images=["images/turned.png"])])
    [(file, number, message)] = found(folder)
    assert (file, number) == ("val.jsonl", 1)
    assert "in two splits" in message


def test_regions_may_lie_beside_the_splits_and_nothing_else(folder: Path) -> None:
    write(folder, train=[row(0)], regions=[{"id": "r0", "image": 0, "box": [0, 0, 4, 4]}])
    assert found(folder) == []
    write(folder, notes=[row(1)])
    assert [file for file, _, _ in found(folder)] == ["notes.jsonl"]


def test_the_same_picture_twice_in_one_split_is_fine(folder: Path) -> None:
    write(folder, train=[row(0), row(1, images=["images/0.png"])])
    assert found(folder) == []


def test_missing_and_empty_files(folder: Path) -> None:
    (folder / "val.jsonl").touch()
    (folder / "dev.jsonl").touch()
    problems = found(folder)
    assert [(f, n) for f, n, _ in problems] == [("dev.jsonl", None), ("val.jsonl", None)]
    (folder / "val.jsonl").unlink()
    problems = found(folder)
    assert [(f, n) for f, n, _ in problems] == [("train.jsonl", None), ("dev.jsonl", None)]
    assert "so are val.jsonl and test.jsonl; found dev.jsonl, images" in problems[0][2]
    with pytest.raises(DataError, match="not a folder"):
        check_folder(folder / "nowhere")
    with pytest.raises(DataError, match="does not exist"):
        load_split(folder, "train")


def test_a_folder_named_like_a_split_is_called_a_folder(folder: Path) -> None:
    (folder / "train.jsonl").mkdir()
    (folder / "val.jsonl").mkdir()
    problems = found(folder)
    assert [(file, number) for file, number, _ in problems] == [
        ("train.jsonl", None),
        ("val.jsonl", None),
    ]
    assert all("is a folder" in message for *_, message in problems)
    with pytest.raises(DataError, match="is a folder"):
        load_split(folder, "train")


def test_messages_can_be_printed_whatever_the_row_holds(folder: Path) -> None:
    spoil(folder)
    write(folder, train=[bad for bad, _ in BAD_ROWS])
    for *_, message in found(folder):
        message.encode()


def test_a_binary_file_is_not_a_traceback(folder: Path) -> None:
    (folder / "train.jsonl").write_bytes(b"\xff\xfe\x00\x01\n" * 3)
    assert len(found(folder)) == 3


class Counter:
    """A model with four characters of text, and images of 64 tokens."""

    limit = 100
    pixels_per_token: int | None = 144

    def __call__(self, example: Example) -> TokenCount:
        images = 64 * len(example.images)
        return TokenCount(len(example.question) + images, images)


def test_too_long_sequences_say_by_how_much_and_what_fits(folder: Path) -> None:
    write(folder, train=[row(0), row(1, images=["images/1.png", "images/2.png"])])
    problems = check_folder(folder, Counter()).problems
    assert [(p.file, p.row) for p in problems] == [("train.jsonl", 2)]
    message = problems[0].message
    assert "138 tokens (128 of them images), 38 more" in message
    assert f"at most {45 * 144:,} pixels per image" in message
    assert "never cut" in message


def test_a_text_too_long_by_itself_is_told_apart(folder: Path) -> None:
    example = Example(id="1", images=("a.png",), question="x" * 150)
    assert "the text alone has 150 tokens" in length_problems(example, Counter())[0]


def test_pictures_of_every_mode_are_read(tmp_path: Path) -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        path = tmp_path / f"{mode.replace(';', '')}.png"
        Image.new(mode, (5, 4)).save(path)
        assert inspect_picture(path)[0] == "", mode
