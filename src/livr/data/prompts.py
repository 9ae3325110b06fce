"""What the model reads. Templates are data; the wording is ours, in the form BLINK uses.

A template may use `{label}` and similar fields; `render` adds the choices. BLINK's own
wording can be used instead, see `livr.data.sources.blink.prompt_template`.
"""

from __future__ import annotations

from livr.data.example import LETTERS, Example

CHOICES_HEADER = "Select from the following choices."

TEMPLATES: dict[str, str] = {
    "counting": "How many {label} are there in this image? Answer with a number.",
    "jigsaw": (
        "The lower right corner of the first image is missing. Which of the two other images "
        "is the missing part?"
    ),
    "localization": (
        "A bounding box should touch the outermost pixels of the object it surrounds. Two boxes "
        "are drawn, A in red and B in blue. Which box encloses the {label} more accurately?"
    ),
    "visual_correspondence": (
        "A point is marked REF on the first image. The second image shows the same scene with "
        "four marked points. Which point on the second image is the same point of the scene?"
    ),
    "art_style": (
        "The first image is a painting. Which of the two other paintings has the same style?"
    ),
    "semantic_correspondence": (
        "A point is marked REF on the first image. Which of the four points marked on the second "
        "image lies on the same part of the object?"
    ),
    "functional_correspondence": (
        "Think of the action: {action}. A point is marked REF on the first image. Which of the "
        "four points marked on the second image plays the same role in this action?"
    ),
    "relative_reflectance": (
        "Two points are marked A and B on the image. Which point has the darker surface colour, "
        "leaving the lighting aside, or are they about the same?"
    ),
    "visual_similarity": "Which of the two other images is more similar to the first image?",
    "vsp": (
        "The map shows a frozen lake with a start S, a goal G and dark holes. Give the moves from "
        "start to goal that avoid every hole. Answer with the letters U, D, L, R, separated by "
        "commas."
    ),
}

CHOICES: dict[str, tuple[str, ...]] = {
    "jigsaw": ("the second image", "the third image"),
    "localization": ("Box A", "Box B"),
    "visual_correspondence": ("Point A", "Point B", "Point C", "Point D"),
    "art_style": ("the second image", "the third image"),
    "semantic_correspondence": ("Point A", "Point B", "Point C", "Point D"),
    "functional_correspondence": ("Point A", "Point B", "Point C", "Point D"),
    "relative_reflectance": ("A is darker", "B is darker", "About the same"),
    "visual_similarity": ("the second image", "the third image"),
}


def render(example: Example) -> str:
    """Returns the prompt text: the question and, for multiple choice, the lettered choices.

    >>> render(Example(id="1", images=(), question="Scratched?", choices=("yes", "no")))
    'Scratched?\\nSelect from the following choices.\\n(A) yes\\n(B) no'
    """
    if example.choices is None:
        return example.question
    lines = [f"({letter}) {text}" for letter, text in zip(LETTERS, example.choices, strict=False)]
    return "\n".join([example.question, CHOICES_HEADER, *lines])
