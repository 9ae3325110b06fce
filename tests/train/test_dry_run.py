"""A dry run stops where the run itself would."""

from __future__ import annotations

import pytest

from livr.config import dump
from livr.errors import ConfigError
from livr.train import plan
from livr.train.folder import with_whole_paths
from livr.train.plan import plan_run
from tests import tiny


def test_a_folder_that_a_run_could_not_be_written_to_stops_the_dry_run(
    checkpoints, monkeypatch, tmp_path
) -> None:
    """Before the model is loaded, and without writing anything."""
    config = tiny.sft_config(checkpoints("qwen3_vl"), tmp_path, epochs=[1])

    def loads(*_: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(plan, "load_base", loads)
    with pytest.raises(ConfigError, match="nothing to resume"):
        plan_run(config, resume=True)
    assert not config.out.exists()
    config.out.mkdir()
    with pytest.raises(AssertionError, match="loaded"):
        plan_run(config)
    dump(with_whole_paths(config), config.out / "config.yaml")
    with pytest.raises(ConfigError, match=r"exists already; .*--resume"):
        plan_run(config)
    with pytest.raises(AssertionError, match="loaded"):
        plan_run(config, resume=True)
    with pytest.raises(ConfigError, match="other settings than these: seed"):
        plan_run(config.model_copy(update={"seed": 7}), resume=True)
    inside = config.out / "config.yaml" / "run"
    with pytest.raises(ConfigError, match=r"config\.yaml is not a folder"):
        plan_run(config.model_copy(update={"out": inside}))
    assert [path.name for path in config.out.iterdir()] == ["config.yaml"]
