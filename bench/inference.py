"""What latents cost when a question is answered, and what compressed decoding saves.

    overhead    prompt and a two-token answer with K=16 latents over the same without latents
    kv_ratio    keys and values after the prompt, image kept over image dropped
    decode      seconds per further token, image kept over image dropped, same loop and batch
    second_turn a further question and its answer, image kept over image dropped

Image features are given in all cases: the vision tower costs the same either way and would only
dilute the ratios.
"""

from __future__ import annotations

from typing import Any

import torch
from parts.checkpoint import bench_model, examples, parameters
from parts.timing import interleaved, main, median, ratio, rounded
from transformers import DynamicCache

from livr.model.compress import Notes, kv_bytes, remember
from livr.model.encoder import Encoded
from livr.model.model import Features, Model

SIZES = (64, 256, 576, 1024, 2048)
MAIN = 576
FOLLOW_UP = "And which of the others comes closest to it?"


@torch.no_grad()
def read_with_image(model: Model, rows: list[Encoded], features: Features) -> Notes:
    """Ordinary decoding in the loop of compressed decoding: the image stays."""
    batch = model.batch(rows, "left", features)
    cache = DynamicCache()
    out = model.hf(**batch.inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    valid_BT = batch.inputs["attention_mask"]
    next_B1 = valid_BT.sum(1, keepdim=True) + model.hf.base_model.rope_deltas
    return Notes(model, cache, valid_BT, next_B1, out.logits[:, -1], kv_bytes(cache))


def check(model: Model, rows: list[Encoded], features: Features, words: int) -> None:
    """Assert that dropping the image changes no answer, and that ours is the stock loop."""
    kept = model.generate_encoded(rows, "bottleneck", features=features, max_new_tokens=words)
    assert remember(model, rows, features=features).answer(words) == kept
    stock = model.generate_encoded(rows, features=features, max_new_tokens=words)
    assert read_with_image(model, rows, features).answer(words) == stock


def decode(model: Model, rows: list[Encoded], features: Features, words: int, rounds: int) -> Any:
    """Memory and time after the prompt, image kept and image dropped."""
    kept = read_with_image(model, rows, features)
    dropped = remember(model, rows, features=features)
    notes = {"kept": kept, "dropped": dropped}
    before, after = kept.bytes_after, dropped.bytes_after
    # Each call goes on where the last one stopped, so both grow alike.
    decoding = interleaved({n: (lambda x=x: x.answer(words)) for n, x in notes.items()}, rounds)
    questions = [FOLLOW_UP] * len(rows)
    asking = interleaved({n: (lambda x=x: x.ask(questions, 2)) for n, x in notes.items()}, rounds)
    return {
        "kv_bytes": {"kept": before, "dropped": after},
        "kv_ratio": rounded(before / after),
        "decode_ratio": ratio(decoding, "kept", "dropped"),
        "token_seconds": {n: rounded(median(s) / words) for n, s in decoding.items()},
        "second_turn_ratio": ratio(asking, "kept", "dropped"),
        "second_turn_seconds": {n: median(s) for n, s in asking.items()},
    }


def run(short: bool) -> dict[str, Any]:
    sizes, main_size = ((16, 36), 36) if short else (SIZES, MAIN)
    rounds, batch_size, words = (1, 2, 4) if short else (7, 4, 16)
    by_tokens: dict[str, Any] = {}
    with bench_model(short) as model:
        size = parameters(model)
        for tokens in sizes:
            asked = examples(batch_size, tokens)
            with_latents = model.encode(asked, "keep", answer=False)
            without = model.encode(asked, "drop", answer=False)
            features = model.image_features(with_latents)
            check(model, with_latents, features, words)

            def answer(rows: list[Encoded], features: Features = features) -> object:
                return model.generate_encoded(rows, features=features, max_new_tokens=2)

            works = {
                "k16": lambda rows=with_latents: answer(rows),
                "none": lambda rows=without: answer(rows),
            }
            seconds = interleaved(works, rounds)
            by_tokens[str(tokens)] = {
                "length": len(with_latents[0]),
                "overhead": ratio(seconds, "k16", "none"),
                "seconds": {name: median(values) for name, values in seconds.items()},
                **decode(model, with_latents, features, words, rounds),
            }
    chosen = by_tokens[str(main_size)]
    return {
        "overhead": chosen["overhead"],
        "overhead_target": 1.05,
        "kv_ratio": chosen["kv_ratio"],
        "kv_ratio_target": 5.0,
        "decode_ratio": chosen["decode_ratio"],
        "second_turn_ratio": chosen["second_turn_ratio"],
        "image_tokens": main_size,
        "latents": 16,
        "batch": batch_size,
        "rounds": rounds,
        "parameters": size,
        "by_tokens": by_tokens,
    }


if __name__ == "__main__":
    main("inference", run)
