"""Foreign formats in, parquet out, nothing lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from livr.data.convert import convert, export_parquet
from livr.data.store import load_split
from livr.errors import DataError
from tests.data.reading import read_examples

from . import layouts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(10):
        layouts.noise(tmp_path / f"pics/{number}.png", number)
    return tmp_path


def save(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def llava(number: int, **changes: Any) -> dict[str, Any]:
    turns = [
        {"from": "human", "value": "<image>\nHow many?"},
        {"from": "gpt", "value": f"{number}"},
    ]
    return {"id": f"x{number}", "image": f"{number}.png", "conversations": turns, **changes}


def test_llava(folder: Path) -> None:
    path = save(folder / "pics/llava.json", [llava(0), llava(1, id=None)])
    first, second = read_examples(path)
    assert (first.id, first.question, first.answer) == ("x0", "How many?", "0")
    assert second.id == "llava-00002"
    assert Path(str(first.images[0])) == folder / "pics/0.png"


def test_sharegpt_and_messages(folder: Path) -> None:
    sharegpt = {
        "conversations": [
            {"from": "human", "value": "Is <image> like <image>?"},
            {"from": "gpt", "value": " yes "},
        ],
        "images": ["pics/0.png", "pics/1.png"],
    }
    parts = [{"type": "image"}, {"type": "text", "text": "What?"}]
    chat = {
        "messages": [
            {"role": "user", "content": parts},
            {"role": "assistant", "content": [{"type": "text", "text": "A cat"}]},
        ],
        "images": ["pics/2.png"],
    }
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (sharegpt, chat)))
    first, second = read_examples(path)
    assert first.question == "Is <image> like <image>?"
    assert first.answer == "yes"
    assert (second.question, second.answer) == ("What?", "A cat")


def test_csv(folder: Path) -> None:
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "question", "answer", "choices"])
        table.writerow(["pics/0.png; pics/1.png", "Which?", "B", "first|second"])
        table.writerow(["pics/2.png", "How many, exactly?", "3", ""])
    first, second = read_examples(path)
    assert first.choices == ("first", "second")
    assert len(first.images) == 2
    assert second.choices is None


BAD = [
    ({"image": "0.png"}, "no question, messages or conversations"),
    (llava(0, image="gone.png"), "does not exist"),
    (llava(0, conversations=[{"from": "human", "value": "Hi"}]), "one user turn"),
    (llava(0, conversations=llava(0)["conversations"] * 2), "one user turn"),
    (llava(0, image=["0.png", "1.png"]), "1 <image> marks but the row has 2 images"),
    (llava(0, image=7), "neither path nor bytes"),
    ("text", "expected an object"),
    ({"messages": [1, 2]}, "expected a list of turns, found [1, 2]"),
    ({"messages": "ab"}, "expected a list of turns, found 'ab'"),
    ({"messages": {"role": "user"}}, "expected a list of turns, found {'role'"),
    ({"messages": [{"role": "user", "content": [1]}]}, 'a part of "content" must be an object'),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, '"text" must be text'),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[m for _, m in BAD])
def test_bad_rows_are_named(folder: Path, bad: Any, message: str) -> None:
    path = save(folder / "pics/bad.json", [llava(1), bad, llava(2)])
    with pytest.raises(DataError) as caught:
        read_examples(path)
    assert [(p.file, p.row) for p in caught.value.problems] == [("bad.json", 2)]
    assert message in caught.value.problems[0].message


def test_wrong_files(folder: Path) -> None:
    (folder / "broken.json").write_text("{")
    (folder / "rows.txt").write_text("")
    (folder / "empty.json").write_text("[]")
    for name in ("broken.json", "rows.txt", "empty.json", "nowhere.json", "pics"):
        with pytest.raises(DataError):
            read_examples(folder / name)


def test_convert_keeps_a_picture_in_one_split(folder: Path) -> None:
    with Image.open(folder / "pics/0.png") as image:
        image.save(folder / "pics/copy.png")
    rows = [llava(number) for number in range(10)]
    rows += [llava(number, id=f"again{number}") for number in range(10)]
    rows.append(llava(0, id="copy", image="copy.png"))
    path = save(folder / "pics/all.json", rows)
    manifest = convert(path, folder / "out", val=0.2, test=0.2)
    assert manifest["counts"]["val"] >= 2
    assert manifest["counts"]["test"] >= 2
    assert sum(manifest["counts"].values()) == 21
    seen: dict[bytes, str] = {}
    for split in ("train", "val", "test"):
        for example in load_split(folder / "out", split):
            data = Path(str(example.images[0])).read_bytes()
            assert seen.setdefault(data, split) == split
    with pytest.raises(DataError, match="shares"):
        convert(path, folder / "other", val=0.5, test=0.5)


def test_convert_keeps_what_counts_together_in_one_split(folder: Path) -> None:
    rows = [llava(number, score_group=f"pair{number // 2}") for number in range(10)]
    convert(save(folder / "pics/pairs.json", rows), folder / "out", val=0.2, test=0.2)
    sizes = {}
    for split in ("train", "val", "test"):
        groups = [example.score_group for example in load_split(folder / "out", split)]
        assert all(groups.count(group) == 2 for group in groups)
        sizes[split] = len(groups)
    assert sizes == {"train": 6, "val": 2, "test": 2}


def test_convert_keeps_questions_of_one_source_in_one_split(folder: Path) -> None:
    lines = ["image,question,answer,sources"]
    lines += [f"{number}.png,How many?,{number},part {number // 2}; line" for number in range(8)]
    (folder / "pics/parts.csv").write_text("\n".join(line.replace("; line", "") for line in lines))
    convert(folder / "pics/parts.csv", folder / "out", val=0.25, test=0.25)
    for split in ("train", "val", "test"):
        names = [example.sources for example in load_split(folder / "out", split)]
        assert names
        assert all(names.count(name) == 2 for name in names)
    (folder / "pics/line.csv").write_text("\n".join(lines))
    rows = read_examples(folder / "pics/line.csv")
    assert rows[3].sources == ("part 1", "line")


def test_parquet_round_trip_is_lossless(folder: Path) -> None:
    path = save(
        folder / "pics/own.json",
        [
            {"question": "ü?", "answer": "B", "choices": ["a", "b"], "images": ["0.png", "1.png"]},
            {
                "question": "How many?",
                "answer": "3",
                "images": ["2.png"],
                "task": "count",
                "sources": ["scene 1", "scene 2"],
            },
            {"question": "And?", "answer": "1", "images": ["3.png"], "score_group": "pair 1"},
        ],
    )
    convert(path, folder / "out", val=0, test=0)
    assert export_parquet(folder / "out", folder / "parquet") == {"train": 3}
    before, after = load_split(folder / "out", "train"), read_examples(folder / "parquet")
    assert sorted(row.score_group or "" for row in after) == ["", "", "pair 1"]
    assert sorted(row.sources for row in after) == [(), (), ("scene 1", "scene 2")]
    for old, new in zip(before, after, strict=True):
        assert old.model_dump(exclude={"images"}) == new.model_dump(exclude={"images"})
        for path_of, image in zip(old.images, new.images, strict=True):
            with Image.open(str(path_of)) as stored:
                assert isinstance(image, Image.Image)
                assert stored.tobytes() == image.tobytes()


def test_a_saved_hugging_face_dataset(folder: Path) -> None:
    datasets = pytest.importorskip("datasets")
    chat = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "noise"}]
    rows = {"messages": [chat] * 2, "images": [[str(folder / f"pics/{n}.png")] for n in range(2)]}
    features = datasets.Features(
        {
            "messages": [{"role": datasets.Value("string"), "content": datasets.Value("string")}],
            "images": datasets.List(datasets.Image()),
        }
    )
    datasets.Dataset.from_dict(rows, features).save_to_disk(str(folder / "saved"))
    examples = read_examples(folder / "saved")
    assert [example.answer for example in examples] == ["noise", "noise"]
    assert isinstance(examples[0].images[0], Image.Image)
