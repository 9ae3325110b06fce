"""A whole training run: settings, data and model are made ready, then the stages run."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from transformers import set_seed

from livr.backbones.four_bit import need_four_bit
from livr.config import TrainConfig, dump
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ConfigError, DataError
from livr.method.variants import variant
from livr.model.load import ExportedModel, model_class
from livr.model.model import Model
from livr.repeatable import repeatable
from livr.train import processes
from livr.train.equip import equip, parts_of, stages_of
from livr.train.folder import (
    in_its_precision,
    keep_data,
    prepare,
    refuse_other_data,
    resumable_or_gone,
    with_whole_paths,
)
from livr.train.lock import only_writer
from livr.train.progress import Listener
from livr.train.runner import Run, Runner, workload
from livr.train.start import (
    as_loaded,
    follow,
    load_base,
    refuse_elsewhere,
    refuse_run,
    refuse_trained,
)

__all__ = ["Run", "train", "workload"]


@repeatable()
def train(
    config: TrainConfig,
    *,
    model: Model | None = None,
    resume: bool = False,
    on_progress: Listener | None = None,
) -> Run:
    """Train as `config` says and write the run folder `config.out`.

    Started in several processes (`livr.train.processes`), they share the work. What stops a new
    run before its first checkpoint leaves no folder behind.

    Args:
        config: Everything about the run; `data` and `out` must be set.
        model: An already loaded backbone, to be trained in place; default: load config.model.
            What it was loaded with becomes part of the settings, see `follow`.
        resume: Continue a run that was interrupted, from its last complete checkpoint.
        on_progress: Told how far the run is.

    Raises:
        ConfigError: Settings contradict each other, the model or the run folder; or the model
            is trained already.
        DataError: The data set is wrong.
        ModelError: The backbone cannot be loaded.
        LivrError: Training diverged, or the disk is full.
    """
    if model is None:
        refuse_run(config.model)
    else:
        refuse_trained(model)
        refuse_elsewhere(model)
        config = follow(config, model)
        if isinstance(model, ExportedModel):
            model.refuse_method(config.method)
    config = with_whole_paths(config)
    if config.data is None or config.out is None:
        raise ConfigError("a run needs both data (--data) and a folder to write to (--out)")
    if config.load_in_4bit and model is None:
        need_four_bit()
    arm = variant(config.method)
    plan = stages_of(arm, config)
    examples, validation = _load_data(config.data)
    data, out = config.data, config.out
    processes.join()
    config = in_its_precision(config, out) if resume else config
    made = processes.by_first(lambda: prepare(config, out, resume))
    refuse_other_data(data, out)
    alone = only_writer(out) if processes.is_first() else nullcontext()
    with alone, resumable_or_gone(out, made, new=not resume):
        set_seed(config.seed)
        if model is None:
            model = load_base(config)
        elif not isinstance(model, model_class(config.method)):
            raise ConfigError(f"method {arm.name} needs livr.load(..., method={arm.name!r})")
        config = as_loaded(config, model)
        equip(model, arm, config)
        processes.by_first(lambda: keep_data(data, out))
        processes.by_first(lambda: dump(config, out / "config.yaml"))
        parts = parts_of(arm, config)
        return Runner(model, plan, config, out, examples, validation, on_progress, parts).run()


def _load_data(folder: Path) -> tuple[list[Example], list[Example]]:
    examples = load_split(folder, "train")
    if not examples:
        raise DataError(f"{folder / 'train.jsonl'} is empty")
    has_val = (folder / "val.jsonl").is_file()
    return examples, load_split(folder, "val") if has_val else []
