"""`livr.export`: a run becomes a folder that loads anywhere."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig

from livr.arguments import checked
from livr.errors import ConfigError, LivrError
from livr.evaluate.target import refuse_folder
from livr.export.adapter import write_adapter
from livr.export.card import write_card
from livr.export.files import (
    write_code,
    write_config,
    write_generation_config,
    write_json,
    write_processor,
)
from livr.export.fresh import full_float32
from livr.export.merge import latent_ids, merge, round_weights, target_dtype
from livr.export.result import Export, Verification
from livr.export.source import Source, read_source
from livr.export.template import text_of_image, with_latents
from livr.export.verify import (
    Expected,
    answer_logits,
    answers_of,
    ask_fresh_process,
    compare_answers,
    deviation,
    difference,
    must_agree,
    questions,
)
from livr.files import told_as
from livr.model.load import load
from livr.model.model import Model
from livr.model.vocabulary import lookup_scale
from livr.train.disk import disk_fault

SHARD_SIZE = "4GB"


@checked
def export(
    model: str | PathLike[str],
    out: str | PathLike[str],
    *,
    adapter: bool = False,
    dtype: str = "auto",
    trust_remote_code: bool = False,
) -> Export:
    """Write a run as a checkpoint that any program loads, once it is proven to be the same model.

    Args:
        model: The folder of a finished run.
        out: The folder to write; it must not exist.
        adapter: Write LoRA and the latents' rows for peft instead of merged weights.
        dtype: Precision of merged weights: `float32`, `bfloat16`, `float16`, or `auto`, that of
            the source checkpoint.
        trust_remote_code: Run the code that the source checkpoint brings. It is copied to `out`,
            where whoever loads it has to make the same choice.

    Raises:
        ConfigError: `out` exists, or an option is wrong.
        ModelError: `model` is no finished run, or what was written is not the same model. Then
            nothing is left behind.
        LivrError: The disk is full. Then nothing is left behind either.
    """
    source = read_source(Path(model), trust_remote_code)
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} exists already; choose another --out")
    if adapter and source.about["tune"] != "lora":
        tuned = "whole layers" if source.about["tune"] == "full" else "the latents' rows alone"
        raise ConfigError(f"{model} tuned {tuned}, so there is no adapter; leave out --adapter")
    if adapter and dtype != "auto":
        raise ConfigError("--dtype is for merged weights; an adapter is kept as it was trained")
    refuse_folder(target)
    precision = target_dtype(dtype, source)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with told_as(target, str(partial)):
            partial.mkdir(parents=True)
            with full_float32():
                done = _write(source, partial, precision, adapter)
            if target.is_dir():
                target.rmdir()
            partial.rename(target)
    except Exception as error:
        why = disk_fault(error)
        if why is None:
            raise
        raise LivrError(
            f"the export to {target} was stopped: {why}. Nothing is left of it. Mend this, then "
            "export again"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return replace(done, path=target)


def _write(source: Source, out: Path, dtype: torch.dtype, adapter: bool) -> Export:
    trust = source.trust_remote_code
    run = load(source.run, dtype="float32", trust_remote_code=trust)
    examples, origin = questions(source.config.data)
    expected = answers_of(run, examples)
    vocabulary, device, barred = len(run.tokenizer), str(run.device), latent_ids(source)
    ends, unsayable = run.end_ids(), run.unsayable_ids()
    embedding, scale = _embedding_of(run.hf)
    run.hf = None
    _make_room()
    must_equal = [one.logits_TV for one in expected]
    merge_difference = 0.0
    if adapter:
        write_adapter(source, embedding, scale, out)
    else:
        hf = merge(source, vocabulary).to(device)
        must_equal, merge_difference = _write_merged(source, hf, out, expected, dtype)
        del hf
    _make_room()
    end = run.tokenizer.convert_ids_to_tokens(run.encoder.end_of_turn)
    write_processor(source, run.processor, _template(run), end, out)
    write_generation_config(source, ends, unsayable, out)
    write_code(source, out)
    with tempfile.TemporaryDirectory() as work:
        base, revision = (source.place[0], source.commit) if adapter else (None, None)
        answers, found = ask_fresh_process(
            out, Path(work), expected, device, base=base, revision=revision, trust_remote_code=trust
        )
    checked = _judge(expected, must_equal, answers, found, barred, unsayable)
    checked = replace(checked, origin=origin, merge_difference=merge_difference)
    stored = "float32" if adapter else str(dtype).removeprefix("torch.")
    done = Export(
        path=out,
        kind="adapter" if adapter else "merged",
        base=source.base_name,
        dtype=stored,
        latents=len(barred),
        size=0,
        verification=checked,
    )
    write_json(out / "livr.json", _about(source, done, barred))
    write_card(source, done, barred)
    _as_readable_as(out / "livr.json", out)
    return replace(done, size=sum(p.stat().st_size for p in out.rglob("*") if p.is_file()))


def _write_merged(
    source: Source, hf: Any, out: Path, expected: Sequence[Expected], dtype: torch.dtype
) -> tuple[list[Tensor], float]:
    """Check and write the merged model.

    Returns:
        Its logits with the weights as they are stored, and the difference that merging made.
    """
    own = [one.logits_TV for one in expected]
    logits = [answer_logits(hf, one.batch) for one in expected]
    found = difference(own, logits, latent_ids(source))
    must_agree("the merged model is not the run", found, deviation(own))
    if dtype != torch.float32:
        round_weights(round_weights(hf, dtype), torch.float32)
        logits = [answer_logits(hf, one.batch) for one in expected]
        round_weights(hf, dtype)
    # The checkpoint's own is written later; transformers would refuse some that are published.
    hf.generation_config = GenerationConfig()
    hf.save_pretrained(out, max_shard_size=SHARD_SIZE)
    write_config(source, hf, dtype, out)
    return logits, found


def _judge(
    expected: Sequence[Expected],
    must_equal: Sequence[Tensor],
    answers: Sequence[dict[str, Any]],
    found: Sequence[Tensor],
    barred: range,
    unsayable: Sequence[int],
) -> Verification:
    """Compare what the exported folder gave with what it must give."""
    own = [one.logits_TV for one in expected]
    rounding = difference(own, found, barred)
    same = compare_answers(expected, answers, rounding, unsayable)
    in_files = difference(must_equal, found, barred)
    must_agree("the exported folder is not the merged model", in_files, deviation(own))
    return Verification(
        questions=len(expected),
        origin="",
        same_answers=same,
        merge_difference=0.0,
        file_difference=in_files,
        rounding_difference=rounding,
        logit_deviation=deviation(own),
    )


def _template(run: Model) -> str:
    placement = "after" if run.latents is None else run.latents.config.placement
    image = text_of_image(run.processor)
    return with_latents(run.processor.chat_template, run.num_latents, placement, image)


def _about(source: Source, done: Export, barred: range) -> dict[str, Any]:
    return {
        "livr": version("livr"),
        "kind": done.kind,
        "base": done.base,
        "base_commit": source.commit,
        "method": source.config.method,
        "latents": list(barred),
        "verification": done.verification.summary(),
    }


def _as_readable_as(one: Path, folder: Path) -> None:
    """safetensors lets nobody but the owner read what it writes; a server may be somebody else."""
    mode = one.stat().st_mode
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)


def _embedding_of(hf: Any) -> tuple[str, float]:
    """Dotted name of the input embedding, and what it multiplies its rows by."""
    module = hf.get_input_embeddings()
    name = next(str(name) for name, found in hf.named_modules() if found is module)
    return name, lookup_scale(module)


def _make_room() -> None:
    """Give a GPU's memory back: the merged model, and then another process, need it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
