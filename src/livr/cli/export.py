"""`livr export`: a run becomes a checkpoint that any program loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livr.cli.console import JsonFlag, TrustFlag, hush, note, print_fields, print_json


def export(
    model: Annotated[str, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist.")],
    adapter: Annotated[
        bool, typer.Option("--adapter", help="LoRA and latents for peft instead of merged weights.")
    ] = False,
    dtype: Annotated[
        str, typer.Option("--dtype", help="float32, bfloat16, float16; auto: as the base model.")
    ] = "auto",
    trust_remote_code: TrustFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Merge a run into an ordinary checkpoint, and prove that it is the same model."""
    note("Merging, then asking both the run and the exported folder the same questions ...")
    from livr.export.api import export as write

    hush()
    done = write(model, out, adapter=adapter, dtype=dtype, trust_remote_code=trust_remote_code)
    if as_json:
        print_json(done.summary())
        return
    found = done.verification
    print_fields(
        {
            "written": f"{done.path} ({done.kind}, {done.dtype}, {done.size / 2**20:.1f} MiB)",
            "base model": done.base,
            "latents": f"{done.latents}, added by the chat template" if done.latents else "none",
            "questions": f"{found.questions}, {found.origin}",
            "answers": f"{found.same_answers} of {found.questions} equal the run's",
            "logits": f"differ by up to {found.rounding_difference:.2g} "
            f"(standard deviation {found.logit_deviation:.2g})",
        }
    )
