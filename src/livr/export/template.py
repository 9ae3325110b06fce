"""A chat template that puts the latents into the prompt by itself.

Servers know nothing of latents, but all of them render the checkpoint's chat template. So the
exported template is a prefix, which rebuilds `messages`, followed by the source's own template,
unchanged. The prefix prints nothing and never loops over a message's content: servers read from
such loops whether a template takes content as text or as a list.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from livr.method.latents import token_names

Placement = Literal["after", "before"]

QWEN_HEADER = "<|im_start|>assistant\n"

_FIND_TURN = """\
{%- set livr = namespace(turn=-1, at=0, there=false) -%}
{%- for message in messages -%}
  {%- if message['role'] == 'user' -%}{%- set livr.turn = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- if livr.turn >= 0 -%}
  {%- set livr_said = messages[livr.turn]['content'] or '' -%}
  {%- if livr_said is string -%}
    {%- set livr.there = @FIRST@ in livr_said -%}
  {%- else -%}
    {%- set livr.at = livr_said | length -%}
    {%- set livr.there = @FIRST@ in (livr_said | selectattr('text', 'string') \
| map(attribute='text') | join) -%}
  {%- endif -%}
"""

_AFTER = """\
  {%- if livr_said is string -%}
    {%- set livr_said = livr_said ~ @LATENTS@ -%}
"""

_BEFORE = """\
  {%- if livr_said is string -%}
    {%- set livr_parts = livr_said.rpartition(@IMAGE@) -%}
    {%- set livr_said = livr_parts[0] ~ livr_parts[1] ~ @LATENTS@ ~ livr_parts[2] -%}
"""

_FIND_PLACE = """\
    {%- set livr.at = 0 -%}
    {%- for i in range(livr_said | length) -%}
      {%- set item = livr_said[i] -%}
      {%- if item['type'] in ('image', 'image_url', 'input_image') or 'image' in item \
or 'image_url' in item -%}
        {%- set livr.at = i + 1 -%}
      {%- endif -%}
    {%- endfor -%}
"""

_REBUILD = """\
  {%- if not livr.there -%}
    {%- set messages = messages[:livr.turn] + [dict(messages[livr.turn], content=livr_said)] \
+ messages[livr.turn + 1:] -%}
  {%- endif -%}
{%- endif -%}{{- '' }}"""


def with_latents(template: str, num: int, placement: Placement, image_text: str) -> str:
    """The source's chat template, preceded by a prefix that adds the latents.

    The latents go to the last user turn: after everything in it, or (`before`) right behind its
    last image. A turn that holds them already is left alone.

    Args:
        template: The source's template; a conversation without latents renders as before.
        num: K; with 0 the template is returned unchanged.
        placement: Where the latents were in training.
        image_text: What the template writes for one image; needed to place latents `before` the
            question in a turn that is plain text.

    Source: ours.
    """
    if num == 0:
        return template
    names = token_names(num)
    insert = (
        "  {%- else -%}\n"
        + (_FIND_PLACE if placement == "before" else "")
        + "    {%- set livr_said = livr_said[:livr.at] + "
        "[{'type': 'text', 'text': @LATENTS@}] + livr_said[livr.at:] -%}\n  {%- endif -%}\n"
    )
    prefix = _FIND_TURN + (_BEFORE if placement == "before" else _AFTER) + insert + _REBUILD
    values = {"@FIRST@": names[0], "@LATENTS@": "".join(names), "@IMAGE@": image_text}
    for mark, value in values.items():
        prefix = prefix.replace(mark, _quoted(value))
    return prefix + template


def response_template(processor: Any, end_of_turn: str) -> dict[str, Any] | None:
    """How transformers' server finds the answer in a conversation, where it would guess wrong.

    For Qwen's architectures it takes the answer to begin after Qwen's own assistant header. A
    checkpoint with another header would send the whole prompt back.

    Args:
        processor: The checkpoint's processor.
        end_of_turn: The token that ends an answer.

    Returns:
        A value for `response_template` in tokenizer_config.json; None where the guess is right.
    """
    asked = [{"role": "user", "content": [{"type": "text", "text": "Q"}]}]
    plain: str = processor.apply_chat_template(asked, tokenize=False)
    whole = processor.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    header = str(whole).removeprefix(plain)
    if QWEN_HEADER in header or not header:
        return None
    end = {"close_pattern": rf"\s*{re.escape(end_of_turn)}", "content": "text"}
    return {
        "defaults": {"role": "assistant"},
        "start_anchor": header,
        "fields": {"content": end},
    }


def _quoted(text: str) -> str:
    """A Jinja string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def text_of_image(processor: Any) -> str:
    """What a processor's chat template writes for one image.

    Templates that gather images elsewhere in the turn have no such text; then it is the
    processor's image placeholder.
    """
    content = [{"type": "text", "text": "#1#"}, {"type": "image"}, {"type": "text", "text": "#2#"}]
    rendered: str = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False
    )
    between = rendered.partition("#1#")[2].partition("#2#")
    return between[0].strip() if between[0].strip() and between[1] else str(processor.image_token)
