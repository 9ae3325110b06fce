"""What is in an exported folder, what export refuses, and that a wrong export is an error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml

import livr
from livr.cli.verbs import load_verb
from livr.errors import ConfigError, LivrError, ModelError
from livr.export import api, files, merge
from livr.export.fresh import load_model, load_processor
from livr.method.latents import token_names
from tests import tiny


@pytest.fixture(scope="module")
def run(trained) -> Path:
    return trained("qwen3_vl", max_pixels=700)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "out"
    (run / "scores.json").unlink(missing_ok=True)
    livr.evaluate(run, run.parent / "data")
    return livr.export(run, folder).path


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def test_one_template_wherever_servers_look(exported) -> None:
    text = (exported / "chat_template.jinja").read_text()
    assert all(name in text for name in token_names(4))
    assert read(exported / "chat_template.json")["chat_template"] == text
    assert read(exported / "tokenizer_config.json")["chat_template"] == text
    processor = load_processor(str(exported))
    assert processor.chat_template == processor.tokenizer.chat_template == text


def test_what_the_run_never_says_is_barred_and_answers_are_greedy(exported, run) -> None:
    config = read(exported / "generation_config.json")
    ids = load_processor(str(exported)).tokenizer.convert_tokens_to_ids(token_names(4))
    image = read(exported / "config.json")["image_token_id"]
    assert config["suppress_tokens"] == sorted([image, *ids])
    assert config["suppress_tokens"] == sorted(livr.load(run).unsayable_ids())
    assert config["do_sample"] is False
    assert not set(config) & set(files.SAMPLING)


def test_pixel_budget_is_the_runs_and_nothing_else_changed(exported, run, checkpoints) -> None:
    source = read(checkpoints("qwen3_vl") / "preprocessor_config.json")
    found = read(exported / "preprocessor_config.json")
    assert found["size"] == {"shortest_edge": 256, "longest_edge": 700}
    assert {k: v for k, v in found.items() if k != "size"} == {
        k: v for k, v in source.items() if k != "size"
    }


@pytest.mark.usefixtures("in_process")
def test_the_sources_files_stay_byte_for_byte(trained, checkpoints, tmp_path) -> None:
    out = livr.export(trained("qwen3_vl"), tmp_path / "out").path
    source = checkpoints("qwen3_vl")
    name = "preprocessor_config.json"
    assert (out / name).read_bytes() == (source / name).read_bytes()
    own, theirs = read(out / "tokenizer_config.json"), read(source / "tokenizer_config.json")
    assert {k: v for k, v in own.items() if k in theirs and k != "chat_template"} == {
        k: v for k, v in theirs.items() if k != "chat_template"
    }


def test_the_card(exported, run) -> None:
    text = (exported / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["pipeline_tag"] == "image-text-to-text"
    assert "livr" in front["tags"]
    accuracy = read(run / "scores.json")["accuracy"]
    assert f"- test: {accuracy:.1%} of 4 right" in text
    assert "lr: 0.02" in text
    assert "4 of 4" in text.replace("4 questions", "4 of") or "4 answers equal" in text
    # No path of this machine.
    assert str(run.parent) not in text


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("named", ["apache-2.0", None])
def test_the_card_names_data_and_licences(named, trained, checkpoints, tmp_path) -> None:
    run, base = tmp_path / "run", tmp_path / "base"
    shutil.copytree(trained("qwen3_vl"), run)
    shutil.copytree(checkpoints("qwen3_vl"), base)
    if named is not None:
        (base / "README.md").write_text(f"---\nlicense: {named}\n---\n# Base\n")
    data = tiny.dataset(tmp_path / "parts")
    origin = {"name": "Parts of 2026", "licence": "CC-BY-4.0", "url": "https://example.org/parts"}
    (data / "manifest.json").write_text(json.dumps({"source": origin}))
    config = yaml.safe_load((run / "config.yaml").read_text())
    config |= {"data": str(data), "model": str(base)}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    text = (livr.export(run, tmp_path / "out").path / "README.md").read_text()
    assert yaml.safe_load(text.split("---")[1])["license"] == (named or "other")
    assert "`parts`, 8 examples." in text
    for name, value in origin.items():
        assert f"- {name}: {value}" in text
    licence = text.partition("## Licence")[2]
    assert (f"`base`: {named}." if named else "do not name it") in licence
    assert str(tmp_path) not in text


@pytest.mark.usefixtures("in_process")
def test_shards(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(api, "SHARD_SIZE", "60KB")
    out = livr.export(run, tmp_path / "out").path
    index = read(out / "model.safetensors.index.json")
    assert len(set(index["weight_map"].values())) > 1


def test_livr_reads_its_own_export(exported, run) -> None:
    asked = tiny.examples(11)
    assert livr.load(exported).generate(asked) == livr.load(run).generate(asked)


class TestWrong:
    """A wrong export is an error, and leaves nothing."""

    def refused(self, run: Path, out: Path, match: str, **options: object) -> None:
        with pytest.raises(LivrError, match=match):
            livr.export(run, out, **options)
        assert not out.exists()
        assert not list(out.parent.glob("*.partial"))

    def test_merge(self, run, tmp_path, monkeypatch) -> None:
        right = merge.lora_state

        def one_layer_too_weak(source):
            state = right(source)
            name = next(n for n in state if "lora_B" in n)
            return state | {name: state[name] * 0.9}

        monkeypatch.setattr(merge, "lora_state", one_layer_too_weak)
        self.refused(run, tmp_path / "out", "merged model is not the run")

    def test_rows(self, run, tmp_path, monkeypatch) -> None:
        right = merge.latent_rows
        monkeypatch.setattr(merge, "latent_rows", lambda *given: right(*given).flip(0))
        self.refused(run, tmp_path / "out", "merged model is not the run")

    @pytest.mark.usefixtures("in_process")
    def test_files(self, run, tmp_path, monkeypatch) -> None:
        right = api.write_config

        def then_spoil(source, hf, dtype, out) -> None:
            right(source, hf, dtype, out)
            with torch.no_grad():
                hf.get_decoder().layers[1].mlp.down_proj.weight[0] += 0.3
            hf.save_pretrained(out)

        monkeypatch.setattr(api, "write_config", then_spoil)
        self.refused(run, tmp_path / "out", "exported folder is not the merged model")

    @pytest.mark.usefixtures("in_process")
    def test_template(self, run, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(api, "with_latents", lambda template, *rest: template)
        self.refused(run, tmp_path / "out", "reads another prompt")

    def test_unreadable(self, run, tmp_path, monkeypatch) -> None:
        right = api.write_config

        def then_cut(source, hf, dtype, out) -> None:
            right(source, hf, dtype, out)
            (out / "model.safetensors").write_bytes(b"cut")

        monkeypatch.setattr(api, "write_config", then_cut)
        self.refused(run, tmp_path / "out", "plain transformers cannot use")


def test_refusals(run, checkpoints, tmp_path) -> None:
    with pytest.raises(ModelError, match="is a checkpoint already"):
        livr.export(checkpoints("qwen3_vl"), tmp_path / "out")
    with pytest.raises(ModelError, match="mini is no run"):
        livr.export("mini", tmp_path / "out")
    with pytest.raises(ConfigError, match="choose auto, float32"):
        livr.export(run, tmp_path / "out", dtype="int4")
    with pytest.raises(ConfigError, match="for merged weights"):
        livr.export(run, tmp_path / "out", adapter=True, dtype="bfloat16")
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished, ignore=shutil.ignore_patterns("adapter"))
    with pytest.raises(ModelError, match=r"not finished.*--resume"):
        livr.export(unfinished, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match="exists already"):
        livr.export(run, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "kept"


def test_damaged_files_and_a_lost_checkpoint(trained, tmp_path, livr_command) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained("qwen3_vl"), run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    lost = config | {"model": str(tmp_path / "lost")}
    (run / "config.yaml").write_text(yaml.safe_dump(lost))
    code, _, err = livr_command("export", run, "--out", tmp_path / "out")
    assert code == 2 and f"was trained on {tmp_path / 'lost'}" in err, err
    # A download that broke off.
    shutil.copytree(config["model"], tmp_path / "lost")
    weights = tmp_path / "lost" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    code, _, err = livr_command("export", run, "--out", tmp_path / "out")
    assert code == 2 and f"cannot load {tmp_path / 'lost'}" in err, err
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    (run / "adapter" / "adapter_model.safetensors").write_bytes(b"cut")
    code, _, err = livr_command("export", run, "--out", tmp_path / "out")
    assert code == 2 and "adapter_model.safetensors cannot be read" in err, err
    assert not (tmp_path / "out").exists()


def test_whoever_reads_one_file_can_read_all(exported) -> None:
    """A server is often another user's."""
    modes = {path.name: path.stat().st_mode for path in exported.iterdir()}
    assert set(modes.values()) == {modes["livr.json"]}, modes


@pytest.mark.usefixtures("in_process")
def test_where_the_data_is_gone_made_pictures_are_asked_about(trained, tmp_path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained("qwen3_vl"), run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["data"] = str(tmp_path / "gone")
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    found = livr.export(run, tmp_path / "out").verification
    assert found.questions == found.same_answers == 2
    assert "made pictures" in found.origin


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("spare", [0, 16])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_adapter_for_plain_peft(family, spare, trained, checkpoints, tmp_path) -> None:
    run = trained(family, spare)
    done = livr.export(run, tmp_path / "out", adapter=True)
    assert done.kind == "adapter"
    assert not list(done.path.glob("model*.safetensors"))
    assert done.size < 2e6
    assert done.verification.rounding_difference < 1e-3 * done.verification.logit_deviation
    base = str(checkpoints(family, spare))
    processor = load_processor(str(done.path))
    model = load_model(str(done.path), base, len(processor.tokenizer))
    ids = processor.tokenizer.convert_tokens_to_ids(token_names(4))
    rows = model.get_input_embeddings()(torch.tensor(ids))
    torch.testing.assert_close(rows, livr.load(run).latents.rows_KD())


def test_a_fully_tuned_run_has_no_adapter(trained, tmp_path) -> None:
    with pytest.raises(ConfigError, match="no adapter"):
        livr.export(trained("qwen3_vl", tune="full"), tmp_path / "out", adapter=True)


@pytest.mark.parametrize("options", [[], ["--adapter"]], ids=["merged", "adapter"])
def test_command_line(options, run, tmp_path, capsys) -> None:
    """With the comparison in a process of its own."""
    load_verb("export").main(
        [str(run), "--out", str(tmp_path / "out"), "--json", *options], standalone_mode=False
    )
    shown = json.loads(capsys.readouterr().out)
    assert shown["kind"] == ("adapter" if options else "merged")
    assert shown["verification"]["same_answers"] == shown["verification"]["questions"]
