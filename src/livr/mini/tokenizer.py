"""The embedded model's tokenizer: a small byte-level BPE and a chat template in Qwen's format."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
)

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|' + message['role'] + '|>' }}"
    "{%- if message['role'] == 'assistant' %}{% generation %}"
    "{%- if message['content'] is string %}{{- message['content'] }}"
    "{%- else %}{%- for item in message['content'] %}"
    "{%- if 'text' in item %}{{- item['text'] }}{%- endif %}"
    "{%- endfor %}{%- endif %}"
    "{{- '<|im_end|>' }}{% endgeneration %}"
    "{%- elif message['content'] is string %}{{- message['content'] }}"
    "{%- else %}{%- for item in message['content'] %}"
    "{%- if item['type'] == 'image' or 'image' in item or 'image_url' in item %}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif item['type'] == 'video' or 'video' in item %}"
    "{{- '<|vision_start|><|video_pad|><|vision_end|>' }}"
    "{%- elif 'text' in item %}{{- item['text'] }}{%- endif %}"
    "{%- endfor %}{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}"
)
"""Messages as Qwen takes them. A turn costs two or three tokens besides its text."""

SPLIT = r"\p{N}|[^\S\n]?\p{L}+|\n+|[^\S\n]?[^\s\p{L}\p{N}]+|\s+"
"""One digit, a word with its space, line ends, punctuation with its space, other space."""

GENERAL_ENGLISH = """
Which of the two marked points is closer to the camera? Is the statement about the picture true or
false? Look at the image carefully and answer with the letter of the correct option only. Select
from the following choices. What do you see in this photograph? Describe the position of the person
relative to the table. How many people, cars, dogs, cats, birds, chairs, bottles and books are there
in total? The answer is. Please choose one of these options and give a short reply. Can you find
the difference between the first image and the second image? What kind of animal, plant, vehicle,
building or tool does it show? Is there a scratch, a crack, a stain or any other defect on the part?
Read the word, the number and the sign. Where would you go next, up, down, left or right? Which one
matches the reference best, and which has the same function, shape, material, pattern, \
size or style?
Compare them with each other. Yes, no, maybe, none of them, both, neither, all of the above, about.
Above, below, behind, in front of, inside, outside, near, far, between, next to, on top of, under.
"""


def train_tokenizer(texts: Iterable[str], vocab: int) -> PreTrainedTokenizerFast:
    """Train the byte-level BPE.

    Single letters, with and without a leading space, are always tokens of their own. Any text
    can be encoded, since all 256 bytes are in the alphabet.

    Args:
        texts: Training text.
        vocab: Upper bound on the number of tokens, special tokens included.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    letters = " ".join(string.ascii_uppercase + string.ascii_lowercase)
    seen = [*texts, *[GENERAL_ENGLISH] * 20, *[f" {letters}"] * 10000]
    tokenizer.train_from_iterator(seen, trainer=trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS[1:2] + SPECIAL_TOKENS[3:]),
        model_max_length=2048,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def special_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """Ids of the special tokens by their text."""
    return {t: int(tokenizer.convert_tokens_to_ids(t)) for t in SPECIAL_TOKENS}
