"""A checkpoint that brings its own code, in the shape of LLaVA-OneVision-1.5.

The published code is not part of transformers and not copied here. This stands for its outline:
Qwen's image patches and vision tower, a projector of its own, a Qwen3 decoder with plain
one-dimensional positions, filed under text generation.
"""

from __future__ import annotations

import json
from pathlib import Path

import transformers as hf
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from tests.families import parts, qwen

CODE = Path(__file__).with_name("lookalike_code.txt")
PIXELS_ONLY = {
    "        mm_encoder_outputs=None,\n": "",
    "            mm_encoder_outputs=mm_encoder_outputs,\n": "",
    '(mm_encoder_outputs or {}).get("image")': "None",
    'inputs["mm_encoder_outputs"] = None': "None",
}
"""What becomes of the code's features in a checkpoint that swallows them unseen."""


def checkpoint(folder: Path, *, leaks: bool = False, pixels_only: bool = False) -> Path:
    """Write the look-alike.

    Args:
        folder: Where to.
        leaks: Let every position add the mean of all before it, past any attention mask.
        pixels_only: Take no image features in place of pixels; `**kwargs` swallows them.
    """
    tok = qwen.make_tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    code = CODE.read_text(encoding="utf-8")
    for old, new in PIXELS_ONLY.items() if pixels_only else ():
        code = code.replace(old, new)
    (folder / "lookalike.py").write_text(code, encoding="utf-8")
    values = {
        "model_type": "llava_onevision1_5_lookalike",
        "architectures": ["LookalikeForConditionalGeneration"],
        "auto_map": {
            "AutoConfig": "lookalike.LookalikeConfig",
            "AutoModelForCausalLM": "lookalike.LookalikeForConditionalGeneration",
        },
        "text_config": parts.text(len(tok), model_type="qwen3"),
        "vision_config": qwen.VISION | {"model_type": "qwen2_5_vl", "window_size": 16},
        "image_token_id": tok.convert_tokens_to_ids("<|image_pad|>"),
        "leaks": leaks,
    }
    parts.write(folder / "config.json", values)
    config = hf.AutoConfig.from_pretrained(folder, trust_remote_code=True)
    name = "lookalike.LookalikeForConditionalGeneration"
    kind = get_class_from_dynamic_module(name, str(folder))
    parts.save(folder, kind, config, tok, "Qwen2_5_VLProcessor", qwen.PIXELS)
    saved = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    parts.write(folder / "config.json", saved | {"auto_map": values["auto_map"]})
    return folder
