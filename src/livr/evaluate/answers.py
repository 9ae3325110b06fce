"""From generated text to an answer (ours).

Generated text is read by rule, never by another model. A text that could mean two answers means
none: it counts as wrong and as unparsed, and the unparsed rate is part of every score.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from livr.data.example import LETTERS, Example
from livr.data.lake import reaches_goal
from livr.evaluate.paths import read_moves

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: i for i, word in enumerate(_SMALL)}
_WORDS |= {word: 10 * i for i, word in enumerate(_TENS, start=2)}
_WORDS |= {
    f"{tens} {word}": 10 * i + j
    for i, tens in enumerate(_TENS, start=2)
    for j, word in enumerate(_SMALL[1:10], start=1)
}
_WORDS["hundred"] = _WORDS["one hundred"] = _WORDS["a hundred"] = 100

_NUMBER = re.compile(
    r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.])-?\d+(?:\.\d+)?(?![\w])|"
    + r"\b(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")\b"
)  # fmt: skip

# "5 or 6", "3 + 4 = 7", "1: 5": the first of several numbers is no answer.
_UNSURE = re.compile(
    rf"(?:{_NUMBER.pattern})\s{{0,4}}(?:or|to|and|plus|minus|times|[-–—+*/×=:~])\s{{0,4}}(?:{_NUMBER.pattern})"
)

_OPEN, _CLOSE = r"[(\[{]\s{0,8}", r"\s{0,8}[)\]}]"
_BARE = re.compile(r"[\W_]*([A-Za-z])[\W_]*")
_LEADING = re.compile(r"[\W_]*([A-Za-z])(?:\s*[)\]}.:]|\s*\n)")
_BRACKETED = re.compile(_OPEN + r"([A-Za-z])" + _CLOSE)
# "A" and "I" are words too: before a small letter they count only if what follows fits a letter.
_AFTER = r"(?=\s+(?:is|was|has|because|since|as|and|or|but)\b)"
_CAPITAL = rf"(?:([B-HJ-Z])|([AI])(?!\s+[a-z])|([AI]){_AFTER})(?![\w'’])"
_STANDALONE = re.compile(rf"(?<![\w'’]){_CAPITAL}")
# Every repetition is bounded: a model that repeats itself must not cost more than its length.
_DECLARED = re.compile(
    r"(?i:\b(?:answer|choice|option|choose|select|pick)\b[^\w(\[{]{0,8}"
    r"(?:(?:is|was|be|would|should|must|the|option|choice|letter|image|answer)\b"
    r"[^\w(\[{]{0,8}){0,5})"
    rf"(?:{_OPEN}([A-Za-z]){_CLOSE}|{_CAPITAL}|([a-z])(?=[^\w\n]{{0,8}}(?:\n|$)))"
    r"(?!\W{0,8}(?:or|and)\W{1,8}[A-Z]\b|\s{0,8}[/,&]\W{0,8}[A-Z]\b)"
)
_LETTER = rf"(?:{_OPEN}[A-Za-z]{_CLOSE}|[A-Z](?![\w'’]))"
_NOT = r"\b(?:not|isn't|isn’t|neither|nor)\s+"
_NEGATED = re.compile(
    rf"{_NOT}(?:option\s+|choice\s+)?{_LETTER}"
    rf"|(?<![\w'’]){_LETTER}\s+(?:is|was)\s+(?:(?:wrong|incorrect|false)\b"
    r"|(?:not|n't)\s+(?:right|correct|true|the\s+(?:right|correct|answer))\b)"
)
_PREAMBLE = re.compile(
    r"^(?:(?:so|thus|therefore|hence)\b\W*)?(?:the |my |final )*answer(?: is)?\b"
)


@dataclass(frozen=True)
class Form:
    """A form of answers: how one is read from a text, and when it is right.

    Attributes:
        read: Text in NFKC form, question -> answer or None.
        right: Answer, question -> whether it is right.
    """

    read: Callable[[str, Example], str | None]
    right: Callable[[str, Example], bool]


def form_of(example: Example) -> Form:
    """The form of a question's answer. The row decides: its board, its choices, its answer."""
    if example.board is not None:
        return PATH
    if example.choices is not None:
        return CHOICE
    return TEXT if as_number(example.answer) is None else NUMBER


def extract(text: str, example: Example) -> str | None:
    """The answer that a generated text gives, or None if it gives none or more than one.

    Multiple choice: a letter. Open-ended with a number as its answer: that number in digits.
    A question with a board: the moves, as "R,D". Other open-ended questions: the text,
    normalised.

    Args:
        text: What the model wrote.
        example: The question. Of its answer only the kind is used, number or text.

    >>> question = Example(id="1", images=(), question="?", choices=("cat", "dog"), answer="A")
    >>> [extract(text, question) for text in ("B", "(b)", "The answer is (B).", "a dog")]
    ['B', 'B', 'B', 'B']
    >>> extract("The answer", question), extract("A or B", question)
    (None, None)
    >>> count = Example(id="2", images=(), question="How many?", answer="7")
    >>> extract("There are seven fish.", count)
    '7'
    """
    return form_of(example).read(unicodedata.normalize("NFKC", text).strip(), example)


def is_correct(prediction: str | None, example: Example) -> bool:
    """Whether an extracted answer is right: equal to the question's, or a safe path to the goal.

    Args:
        prediction: What `extract` returned.
        example: The question with its answer.
    """
    return prediction is not None and form_of(example).right(prediction, example)


def normalise(text: str) -> str:
    """Small letters, no punctuation around words, single spaces, no leading article.

    >>> normalise(" The  Red-hot car! ")
    'red-hot car'
    """
    words = unicodedata.normalize("NFKC", text).casefold().split()
    words = [kept for word in words if (kept := word.strip("\"'“”‘’`*_.,;:!?()[]{}"))]
    if len(words) > 1 and words[0] in {"a", "an", "the"}:
        words = words[1:]
    return " ".join(words)


def as_number(text: str) -> str | None:
    """The number that a text is, in digits, or None if it is not one number.

    >>> as_number("1,000"), as_number("Twenty-one."), as_number("7.0"), as_number("7 fish")
    ('1000', '21', '7', None)
    """
    plain = _plain(text).strip(" .!?\"'")
    return _digits(plain) if _NUMBER.fullmatch(plain) else None


def _plain(text: str) -> str:
    return re.sub(r"(?<=[a-z])-(?=[a-z])", " ", unicodedata.normalize("NFKC", text).casefold())


def _digits(number: str) -> str:
    value = Decimal(_WORDS[number] if number in _WORDS else number.replace(",", ""))
    return str(int(value)) if value == value.to_integral_value() else f"{value.normalize():f}"


def _number(text: str) -> str | None:
    """The only number in the text, or the only one declared as the answer."""
    plain = _plain(text)
    found = {_digits(match) for match in _NUMBER.findall(plain)}
    if len(found) > 1:
        tails = [plain[m.end() :].lstrip(" :=*\"'") for m in re.finditer(r"answer(?: is)?", plain)]
        found = {_digits(m[0]) for tail in tails if (m := _NUMBER.match(tail))}
        if any(_UNSURE.match(tail) for tail in tails):
            return None
    return found.pop() if len(found) == 1 else None


def _letter(text: str, choices: tuple[str, ...]) -> str | None:
    """The letter a text names. Rules from the most to the least explicit; the first that
    finds anything decides, and decides for none if it finds two."""
    valid = LETTERS[: len(choices)]
    if bare := _BARE.fullmatch(text):
        letter = bare[1].upper()
        return letter if letter in valid else None
    exact = {valid[i] for i, choice in enumerate(choices) if normalise(choice) == normalise(text)}
    if len(exact) == 1:
        return exact.pop()
    rest = _NEGATED.sub(" ", text)
    bracketed = _named(_BRACKETED, rest, valid)
    leading = _LEADING.match(rest)
    if leading and leading[1].upper() in valid:
        bracketed.add(leading[1].upper())
    for found in (
        _named(_DECLARED, rest, valid),
        bracketed,
        _named(_STANDALONE, rest, valid),
        _quoted(rest, choices),
    ):
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _named(pattern: re.Pattern[str], text: str, valid: str) -> set[str]:
    letters = (next(filter(None, match.groups())).upper() for match in pattern.finditer(text))
    return {letter for letter in letters if letter in valid}


def _quoted(text: str, choices: tuple[str, ...]) -> set[str]:
    """Letters of the choices whose own text occurs, words whole, not inside a longer one's."""
    words = f" {normalise(text)} "
    for mark in ",.;:!?":
        words = words.replace(f"{mark} ", " ")
    by_length = sorted(range(len(choices)), key=lambda i: -len(choices[i]))
    found = set()
    for i in by_length:
        choice = normalise(choices[i])
        words = re.sub(rf" {_NOT}(?:an? |the )?{re.escape(choice)} ", " \0 ", words)
        if choice and f" {choice} " in words:
            found.add(LETTERS[i])
            words = words.replace(f" {choice} ", " \0 ")
    return found


PATH = Form(
    read=lambda text, example: read_moves(text),
    right=lambda found, example: reaches_goal(example.board or (), found),
)
CHOICE = Form(
    read=lambda text, example: _letter(text, example.choices or ()),
    right=lambda found, example: found == example.answer.strip().upper(),
)
NUMBER = Form(
    read=lambda text, example: _number(text),
    right=lambda found, example: found == as_number(example.answer),
)
TEXT = Form(
    read=lambda text, example: normalise(_PREAMBLE.sub("", text.casefold(), count=1)) or None,
    right=lambda found, example: found == normalise(example.answer),
)
