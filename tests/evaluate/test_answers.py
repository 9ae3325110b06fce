from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livr.data.example import LETTERS, Example
from livr.evaluate.answers import as_number, extract, is_correct, normalise

IMAGES = ("the first image", "the second image")
COLOURS = ("red car", "red", "blue", "none of these")


def question(choices: tuple[str, ...] | None, answer: str = "A") -> Example:
    return Example(id="1", images=(), question="?", choices=choices, answer=answer)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" b.", "B"),
        ("(B)", "B"),
        ("**B**", "B"),
        ("\\boxed{B}", "B"),
        ("Ｂ", "B"),
        ("Answer:B", "B"),
        ("answer: b", "B"),
        ("The answer is (B)", "B"),
        ("The answer is a", "A"),
        ("The correct option is B because it fits.", "B"),
        ("Answer: A\n\nExplanation: B does not fit", "A"),
        ("b) the second image", "B"),
        ("B. Because A is far away.", "B"),
        ("It's B", "B"),
        ("Image B matches.", "B"),
        ("I think A is right", "A"),
        ("The answer is not A but B", "B"),
        ("not (A), it is B", "B"),
        ("the second image", "B"),
        ("I'd choose the second image.", "B"),
    ],
)
def test_a_letter_is_read(text: str, letter: str) -> None:
    assert extract(text, question(IMAGES)) == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "C",
        "T",
        "The answer",
        "The answer is",
        "A or B",
        "choose A or B",
        "The answer is (A) or (B).",
        "(A) the first image (B) the second image",
        "neither A nor B",
        "B is wrong",
        "(B) is not correct",
        "A cat is there",
        "I see a fish",
        "the first image or the second image",
    ],
)
def test_no_letter_is_guessed(text: str) -> None:
    assert extract(text, question(IMAGES)) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("red car", "A"),
        ("It is the red car.", "A"),
        ("A red car", "A"),
        ("Red!", "B"),
        ("The answer is red.", "B"),
        ("none of these", "D"),
        ("red or blue", None),
        ("It is not red.", None),
        ("It isn't the red one, not red but blue", "C"),
    ],
)
def test_a_choice_is_recognised_by_its_own_text(text: str, letter: str | None) -> None:
    assert extract(text, question(COLOURS)) == letter


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", "7"),
        ("seven", "7"),
        ("There are seven fish.", "7"),
        ("07", "7"),
        ("7.0", "7"),
        ("7.5.", "7.5"),
        ("-3", "-3"),
        ("1,007", "1007"),
        ("Twenty-one", "21"),
        ("I see 2 red and 5 blue. The answer is 7.", "7"),
        ("12345678901234567891", "12345678901234567891"),
        ("-0.50", "-0.5"),
        ("2 cats and 3 dogs", None),
        ("I see 5, no 6. The answer is 5 or 6", None),
        ("Answer: 3 + 4 = 7", None),
        ("answer 1: 5", None),
        ("The answer is 5. 3 of them are red.", "5"),
        ("The answer is 5, not 6", "5"),
        ("3,5", None),
        ("x7", None),
        ("many", None),
        ("", None),
    ],
)
def test_a_number_is_read(text: str, number: str | None) -> None:
    assert extract(text, question(None, answer="4")) == number


def test_open_text_is_compared_without_case_and_punctuation() -> None:
    example = question(None, answer="Stop sign")
    assert is_correct(extract("The answer is: a stop  sign.", example), example)
    assert not is_correct(extract("a sign", example), example)
    assert extract(" . ", example) is None
    assert not is_correct(None, example)


def test_the_answer_may_be_written_in_words() -> None:
    example = question(None, answer="seven")
    assert is_correct(extract("7", example), example)
    assert not is_correct(extract("8", example), example)


@pytest.mark.parametrize("word", ["answer ", "the answer is the option is ", "( ", "not A ", "1,"])
def test_a_model_that_repeats_itself_is_read_quickly(word: str) -> None:
    start = time.process_time()
    extract(word * 4000, question(IMAGES))
    extract(word * 4000, question(None, answer="7"))
    assert time.process_time() - start < 2


letters = st.integers(2, 6).flatmap(
    lambda n: st.tuples(st.just(n), st.sampled_from(LETTERS[:n]), st.sampled_from(LETTERS[:n]))
)
FORMS = (
    "{}",
    "({})",
    "{}.",
    "**{}**",
    "The answer is {}",
    "The answer is ({}).",
    "Answer: {}",
    "{}) because it fits",
    "Option {}",
)


@given(letters, st.sampled_from(FORMS))
def test_every_usual_form_gives_its_letter(drawn: tuple[int, str, str], form: str) -> None:
    n, letter, gold = drawn
    example = question(tuple(f"thing {i}" for i in range(n)), answer=gold)
    found = extract(form.format(letter), example)
    assert found == letter
    assert is_correct(found, example) == (letter == gold)


@given(letters)
def test_two_bracketed_letters_are_ambiguous(drawn: tuple[int, str, str]) -> None:
    n, one, other = drawn
    example = question(tuple(f"thing {i}" for i in range(n)))
    assert extract(f"({one}) ({other})", example) == (one if one == other else None)


@given(st.text(max_size=80), st.integers(2, 5))
def test_any_text_gives_a_valid_letter_or_none(text: str, n: int) -> None:
    found = extract(text, question(tuple(f"thing {i}" for i in range(n))))
    assert found is None or (len(found) == 1 and found in LETTERS[:n])


@given(st.text(max_size=80))
def test_the_right_answer_does_not_change_what_is_read(text: str) -> None:
    assert len({extract(text, question(IMAGES, answer=gold)) for gold in "AB"}) == 1
    assert len({extract(text, question(None, answer=gold)) for gold in ("3", "12")}) == 1


@given(st.integers(-999, 999_999))
def test_numbers_have_one_form(value: int) -> None:
    for written in (str(value), f"{value:,}", f"{value}.0", f" {value}. "):
        assert as_number(written) == str(value)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    if once.split(" ")[0] not in {"a", "an", "the"}:
        assert normalise(once) == once
