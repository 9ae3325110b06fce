"""Files of a run that do not fit: half a model must not pass for a whole one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import livr
from livr.errors import ModelError
from livr.train.run import Run
from tests import tiny

FILES = {"lora": "adapter_model.safetensors", "full": "decoder.safetensors"}


@pytest.fixture(scope="module")
def runs(checkpoints, tmp_path_factory) -> dict[str, Run]:
    root = tmp_path_factory.mktemp("adapters")
    data = tiny.dataset(root / "data", train=4, val=2)
    base = str(checkpoints("qwen3_vl"))
    short = ["epochs=[1,1]", "latents.num=2", "optim.batch_size=4", "optim.lr=1e-3"]
    return {
        tune: livr.train(livr.load(base), data, out=root / tune, settings=[*short, f"tune={tune}"])
        for tune in FILES
    }


@pytest.mark.parametrize("tune", FILES)
@pytest.mark.parametrize("wrong", ["lacking", "strange"])
def test_weights_that_are_missing_or_too_many_are_refused(
    wrong: str, tune: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs[tune].path, folder)
    assert len(livr.load(folder).generate(tiny.examples()[:1])) == 1
    file = folder / "adapter" / FILES[tune]
    state = load_file(file)
    names = sorted(state)
    if wrong == "lacking":
        state = {name: state[name] for name in names[::2]}
        reason = f"is damaged: {len(names) // 2} of {len(names)} weights are missing"
    else:
        state["layers.99.weight"] = torch.zeros(2)
        reason = "layers the backbone does not have"
    save_file(state, file)
    with pytest.raises(ModelError, match=reason):
        livr.load(folder)
    with pytest.raises(ModelError, match=reason):
        livr.export(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("tune", "name"),
    [
        ("lora", "livr.json"),
        ("lora", "adapter_config.json"),
        ("lora", "adapter_model.safetensors"),
        ("lora", "latents.safetensors"),
        ("full", "decoder.safetensors"),
    ],
)
def test_a_file_that_a_run_lacks_is_named_and_looked_for_on_disk_only(
    name: str, tune: str, runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path of two names could be a stranger's repository on the hub."""

    def asked(*words: object, **options: object) -> str:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("peft.config.hf_hub_download", asked)
    shutil.copytree(runs[tune].path, tmp_path / "run")
    (tmp_path / "run" / "adapter" / name).unlink()
    monkeypatch.chdir(tmp_path)
    for use in (livr.load, lambda run: livr.export(run, tmp_path / "out")):
        with pytest.raises(ModelError, match=f"^run/adapter/{name} .*copy the run again$") as found:
            use("run")
        assert "is missing" in str(found.value) or "No such file" in str(found.value)


@pytest.mark.parametrize(
    ("tune", "name"),
    [
        ("lora", "adapter_model.safetensors"),
        ("lora", "latents.safetensors"),
        ("full", "decoder.safetensors"),
    ],
)
def test_weights_that_were_cut_off_are_named(
    name: str, tune: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    shutil.copytree(runs[tune].path, tmp_path / "run")
    file = tmp_path / "run" / "adapter" / name
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError, match=rf"^{file} cannot be read: .*; copy the run again$"):
        livr.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("file", "name", "place", "value", "reason"),
    [
        ("livr.json", "latents.safetensors", "latents", {"num": 5}, r"rows has .* expected \(5, "),
        ("adapter_config.json", "adapter_model.safetensors", "r", 4, r"lora_A.* has .* \(4, "),
    ],
)
def test_weights_of_another_shape_than_the_settings_say_are_refused(
    file: str,
    name: str,
    place: str,
    value: object,
    reason: str,
    runs: dict[str, Run],
    tmp_path: Path,
) -> None:
    adapter = tmp_path / "run" / "adapter"
    shutil.copytree(runs["lora"].path, tmp_path / "run")
    said = json.loads((adapter / file).read_text())
    said[place] = said[place] | value if isinstance(value, dict) else value
    (adapter / file).write_text(json.dumps(said))
    with pytest.raises(ModelError, match=rf"^{adapter / name} does not fit: .*{reason}") as found:
        livr.load(tmp_path / "run")
    assert "copy the run again" in str(found.value) and "state_dict" not in str(found.value)


WRONG_ABOUT = {
    b"[]": "does not say how the adapter is made up",
    b"{}": "does not say how the adapter is made up",
    b'{"tune": "rows", "latents": {"num": 2}}': "does not say how the adapter is made up",
    b'{"tune": "lora", "latents": {"num": "x"}}': "num: Input should be a valid integer",
    b"\xff": "cannot be read",
}


@pytest.mark.parametrize("content", WRONG_ABOUT)
def test_a_damaged_description_is_one_plain_message(
    content: bytes, runs: dict[str, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs["lora"].path, folder)
    (folder / "adapter" / "livr.json").write_bytes(content)
    for use in (livr.load, lambda run: livr.export(run, tmp_path / "out")):
        with pytest.raises(ModelError, match=WRONG_ABOUT[content]) as found:
            use(folder)
        assert "copy the run again" in str(found.value)
        assert "pydantic" not in str(found.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"peft_type": "LORA", "r": "x"}', b"\xff"])
def test_damaged_settings_of_lora_are_refused(
    content: bytes, runs: dict[str, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs["lora"].path, folder)
    (folder / "adapter" / "adapter_config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot load the adapter: .*; copy the run again$"):
        livr.load(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "not a YAML file"), (b"[1]", "valid dictionary"), (b"model: 5", "valid string")],
)
def test_damaged_settings_of_a_run_are_one_plain_message(
    content: bytes, reason: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs["lora"].path, folder)
    (folder / "config.yaml").write_bytes(content)
    for use in (livr.load, lambda run: livr.export(run, tmp_path / "out")):
        with pytest.raises(ModelError, match=reason) as found:
            use(folder)
        assert "Mend the file, or copy the run again" in str(found.value)
