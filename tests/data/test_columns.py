"""Names that are close to a key that is read are slips; those of published data sets are not."""

from __future__ import annotations

import pytest

from livr.data.columns import misspelt, repeated

OWN = ("image", "question", "answer")
SLIPS = [
    ((*OWN, "choice"), "choices"),
    ((*OWN, "Choices"), "choices"),
    ((*OWN, "source"), "sources"),
    ((*OWN, "spilt"), "split"),
    ((*OWN, "helper_image"), "helper_images"),
    ((*OWN, "score_groups"), "score_group"),
    (("image_path", "question", "answer"), "image"),
    (("image", "question", "answers"), "answer"),
    (("image", "conversation"), "conversations"),
]


@pytest.mark.parametrize(("names", "key"), SLIPS)
def test_a_slip_is_told(names: tuple[str, ...], key: str) -> None:
    [message] = misspelt(names)
    assert f'there is no "{key}"' in message


ORDINARY = [
    (*OWN, "image_path", "question_id", "question_type", "answers", "width", "model", "idx", "uid"),
    ("images", "image_id", "conversations", "question_id", "answer_type"),
    ("image", "messages", "question_type", "answer_type", "conversation_id"),
    (*OWN, "choices", "choice", "sources", "source"),  # the keys are there
]


@pytest.mark.parametrize("names", ORDINARY)
def test_columns_of_published_data_sets_are_none(names: tuple[str, ...]) -> None:
    assert misspelt(names) == ()


def test_names_that_stand_twice() -> None:
    assert repeated(["a", "b", "a", "", ""]) == ["a"]  # a table may have columns without a name
