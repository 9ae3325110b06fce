"""Which questions share a source picture (ours).

A question is asked of one or several sources, a photograph, a scene, a part. A hundred questions
about ten photographs say less about the eleventh than a hundred about a hundred do; how much less
is in `livr.evaluate.clustered`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PIL import Image

from livr.data.example import Example

Sources = tuple[tuple[int, ...], ...]
"""The numbers of each question's sources."""


def shared_sources(
    examples: Sequence[Example], *others: Sequence[Example]
) -> list[tuple[str, ...]]:
    """The sources of each question: those that its row names, or else its image files.

    Args:
        examples: The questions.
        others: For each question further examples that its answer comes from, as a donor of
            latents. Their sources are its sources, too.

    Returns:
        Empty tuples if no two questions have a source in common.
    """
    files: dict[str, str] = {}
    named = [
        tuple(dict.fromkeys(name for example in asked for name in _sources(example, files)))
        for asked in zip(examples, *others, strict=True)
    ]
    often = Counter(name for names in named for name in names)
    if not often or max(often.values()) == 1:
        return [() for _ in examples]
    return named


def _sources(example: Example, known: dict[str, str]) -> tuple[str, ...]:
    return example.sources or _files(example, known) or (example.id,)


def _files(example: Example, known: dict[str, str]) -> tuple[str, ...]:
    """A name for each image file that is the same on every machine."""
    files = (str(image) for image in example.images if not isinstance(image, Image.Image))
    return tuple(known.setdefault(file, f"image {len(known)}") for file in files)


def numbered(named: Sequence[Sequence[str]]) -> Sources:
    """Names as numbers, in the order in which they appear.

    >>> numbered([("b", "a"), ("a",)])
    ((0, 1), (1,))
    """
    numbers: dict[str, int] = {}
    return tuple(tuple(numbers.setdefault(name, len(numbers)) for name in names) for names in named)


def how_many(sources: Sources) -> int:
    """How many different sources there are.

    >>> how_many(((0, 1), (1,)))
    2
    """
    return len({number for numbers in sources for number in numbers})


def as_text(sources: Sources) -> str:
    """As one short text, for a results file; `from_text` reads it.

    >>> as_text(((0, 3), (2,)))
    '0.3 2'
    """
    return " ".join(".".join(map(str, numbers)) for numbers in sources)


def from_text(text: str) -> Sources:
    """What `as_text` wrote.

    Raises:
        ValueError: It is something else.
    """
    return tuple(tuple(int(number) for number in word.split(".")) for word in text.split(" "))


def sources_among(examples: Sequence[Example], *others: Sequence[Example]) -> Sources:
    """The numbers of `shared_sources`; empty where questions share none."""
    named = shared_sources(examples, *others)
    return numbered(named) if any(named) else ()
