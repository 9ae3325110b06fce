"""The parts of an audit: verdicts, measures, disturbances, what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image
from tests import tiny
from tests.analysis.audit.asked import about_photographs, question

import livr
from livr.analysis.audit import bottleneck, collapse, counterfactual, factors, probes, robust
from livr.analysis.audit.attention_mass import masses
from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import DECISIVE, Finding, fall, judge_effect, overall
from livr.analysis.audit.page import reasons
from livr.analysis.audit.result import Audit
from livr.analysis.audit.run import TESTS, draw_questions
from livr.analysis.inside.questions import Questions
from livr.analysis.robustness import CORRUPTIONS, RULES, Level, disturb
from livr.cli.audit import _folded
from livr.data.example import Example
from livr.data.tasks.drawing import draw_boxes
from livr.errors import ConfigError, ModelError
from livr.evaluate.shared import sources_among
from livr.evaluate.stats import Interval, bootstrap, paired_difference


def test_an_effect_needs_its_whole_interval() -> None:
    always, never = [True] * 60, [False] * 60
    assert judge_effect(fall(always, never).interval) == "pass"
    assert judge_effect(fall(always, always).interval) == "fail"
    assert judge_effect(fall(always[:6], always[:6]).interval) == "unclear"
    assert judge_effect(fall(never, always).interval) == "fail"


def finding(verdict: str, name: str = "dropped") -> Finding:
    return Finding(name, "", "", "", "", verdict, 1)


def passed() -> list[Finding]:
    """All that the verdict rests on."""
    return [finding("pass", name) for name in DECISIVE]


def test_a_part_of_an_audit_passes_no_model() -> None:
    assert overall(passed()) == "pass"
    part = [found for found in passed() if found.name == "blindness"]
    assert overall(part) == "unclear"
    said = reasons(Audit("m", "d", "test", 1, None, None, 0, tuple(part)))
    assert said.startswith("Not asked: accuracy, dropped, content.sham,")
    assert overall([*part, finding("fail")]) == "fail"


def test_the_verdict_on_the_model_is_its_worst_decisive_finding() -> None:
    assert overall([*passed(), finding("fail", "robustness")]) == "pass"
    assert overall([*passed(), finding("unclear")]) == "unclear"
    assert overall([*passed(), finding("fail")]) == "fail"
    assert overall([finding("unclear"), finding("fail")]) == "fail"


def test_paired_difference_is_centred_and_never_certain() -> None:
    a, b = [True] * 30 + [False] * 70, [True] * 50 + [False] * 50
    interval = paired_difference(a, b)
    assert interval.low < 0.2 < interval.high
    assert interval.low > 0.1
    same = paired_difference(a, a)
    assert same.low == -same.high < 0
    with pytest.raises(ValueError, match="pair"):
        paired_difference([True], [])


def test_bootstrap_leaves_out_draws_without_a_number() -> None:
    values = np.array([0.0, 1.0, 1.0])

    def statistic(index: np.ndarray) -> float:
        mean = float(values[index].mean())
        return mean if mean > 0 else float("nan")

    assert bootstrap(statistic, 3).low > 0
    assert np.isnan(bootstrap(lambda i: float("nan"), 3).low)
    with pytest.raises(ValueError, match="nothing"):
        bootstrap(statistic, 0)


def test_collapsed_latents_are_told_from_living_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    living = torch.randn(50, 4, 16, generator=generator)
    constant = torch.randn(1, 4, 16, generator=generator).expand(50, -1, -1)
    dead = constant + 1e-3 * living
    assert float(collapse.mean_cosine(living).abs().max()) < 0.1
    assert float(collapse.mean_cosine(dead).min()) > 0.999
    assert collapse.participation_ratio(living.flatten(1)) > 20
    line = torch.randn(50, 1, generator=generator) * torch.ones(1, 16)
    assert collapse.participation_ratio(line) == pytest.approx(1)
    assert collapse.measures(dead)["share_that_changes"] < 1e-4


def test_a_probe_finds_what_is_there_and_nothing_else() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = ["A", "B", "C"] * 30
    noise = torch.randn(90, 40, generator=generator)
    signal = noise.clone()
    for i, label in enumerate(labels):
        signal[i, "ABC".index(label)] += 6
    assert probes.probe(signal, labels, (), 0)["accuracy"] > 0.9
    assert probes.probe(signal, labels, (), 0)["random_label"] < 0.5
    assert probes.probe(noise, labels, (), 0)["accuracy"] < 0.55


@pytest.mark.parametrize(("shuffled", "by_chance"), [(0.3, 0.5), (0.6, 0.6)])
def test_a_reading_is_held_against_the_larger_of_both_controls(shuffled, by_chance) -> None:
    own = {"accuracy": 0.9, "ci95": [0.8, 0.95], "random_label": shuffled}
    reading = probes.Reading({"latents": own, "text": {"accuracy": 0.5}}, common=0.5)
    assert reading.gain == pytest.approx(0.9 - by_chance)
    ends = (reading.interval.low, reading.interval.high)
    assert ends == pytest.approx((0.8 - by_chance, 0.95 - by_chance))
    assert reading.words() == "latents 90.0 %, text 50.0 %"


def test_a_probe_cannot_know_a_photograph_again() -> None:
    """All questions about a photograph have one answer, and states tell photographs apart."""
    asked = about_photographs(20, 6)
    labels = [("yes", "no")[i // 6 % 2] for i in range(120)]
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(20, 24, generator=generator).repeat_interleave(6, 0)
    states += 0.1 * torch.randn(120, 24, generator=generator)
    assert probes.probe(states, labels, (), 0)["accuracy"] > 0.95
    found = probes.probe(states, labels, asked, 0)
    assert found["accuracy"] < 0.75
    assert found["ci95"][1] - found["ci95"][0] > 0.3  # of 20 photographs, not of 120 questions
    for train, test in probes.folds(labels, asked, 0):
        assert not {asked[i].sources for i in train} & {asked[i].sources for i in test}


def test_a_probe_is_tested_by_question_where_sources_are_joined() -> None:
    joined = [
        e.model_copy(update={"sources": (*e.sources, "all")}) for e in about_photographs(20, 6)
    ]
    labels = ["yes", "no"] * 60
    for given in (joined, about_photographs(3, 40)):
        sizes = [len(test) for _, test in probes.folds(labels, given, 0)]
        assert sizes == [24] * 5


class Answered(Case):
    """A case whose answers are given: rule and latents to right or wrong."""

    given: dict[tuple[str, str], list[bool]]
    examples: Sequence[Example] = ()

    def right(self, mask: str = "ordinary", latents: str = "keep") -> list[bool]:
        return self.given[mask, latents]

    is_able = True


def test_the_cosine_between_examples_has_an_interval_that_holds() -> None:
    torch.manual_seed(0)
    held, far = 0, 1e4
    truth = float(collapse.mean_cosine(latent_states(int(far))).mean())
    case = Answered(questions=None)
    case.examples = about_photographs(40, 1)
    for case.seed in range(100):
        found = collapse.cosine_interval(case, latent_states(40))
        held += found.low <= truth <= found.high
    assert 88 <= held <= 99


def latent_states(number: int) -> torch.Tensor:
    """Two slots; examples differ in how far they leave the common direction."""
    states_NKD = torch.randn(number, 2, 8) * torch.rand(number, 1, 1)
    states_NKD[..., 0] += 1
    return states_NKD


def test_one_question_has_no_cosine_with_others() -> None:
    case = Answered(questions=None)
    case.examples = about_photographs(1, 1)
    (found,) = collapse.run(case)
    assert (found.verdict, found.value, found.measured) == ("info", None, "1 question")


def answered(ordinary: list[bool], blind: list[bool], floor: list[bool]) -> Answered:
    case = Answered(questions=None)
    case.given = {("ordinary", "keep"): ordinary, ("bottleneck", "keep"): blind}
    case.given["bottleneck", "drop"] = floor
    return case


def test_retention_is_never_certain_and_is_no_number_without_room() -> None:
    right, floor = [True] * 64 + [False] * 16, [True] * 40 + [False] * 40
    (same,) = bottleneck.run(answered(right, right, floor))
    assert (same.verdict, same.value) == ("pass", 1.0)
    assert 0.8 < same.interval.low < 1 < same.interval.high < 1.2
    (half,) = bottleneck.run(answered(right, [True] * 52 + [False] * 28, floor))
    assert half.value == pytest.approx(0.5)
    (lost,) = bottleneck.run(answered(right, floor, floor))
    assert (lost.verdict, lost.value) == ("fail", 0)
    (none,) = bottleneck.run(answered(floor, floor, floor))
    assert (none.verdict, none.value, none.interval) == ("unclear", None, None)
    assert "no room" in none.measured and "nan" not in none.measured


def test_questions_about_one_photograph_are_not_so_many_questions() -> None:
    """Every effect is there on 6 photographs of 10 and absent on the others."""
    seen = ([True] * 12 + [False] * 8) * 6 + [False] * 80
    blind = ([True] * 6 + [False] * 14) * 6 + [False] * 80
    asked = about_photographs(10, 20)
    alone, together = fall(seen, blind), fall(seen, blind, sources_among(asked))
    assert (alone.size, alone.n) == (together.size, together.n)
    assert together.interval.low < alone.interval.low < alone.interval.high
    assert together.interval.high > alone.interval.high
    assert fall(seen, blind, sources_among(about_photographs(200, 1))).interval == alone.interval

    kept = (([True] * 12 + [False] * 8) * 3 + [False] * 60) + [False] * 80
    case = answered(seen, kept, [False] * 200)
    (apart,) = bottleneck.run(case)
    case.examples = asked
    (joined,) = bottleneck.run(case)
    assert joined.value == apart.value == pytest.approx(0.5)
    assert joined.interval.low < apart.interval.low < apart.interval.high < joined.interval.high


def test_a_model_that_is_right_about_few_photographs_is_not_known_to_be_able() -> None:
    right = [True] * 60 + [False] * 140
    numbered = enumerate(about_photographs(10, 20))
    asked = [e.model_copy(update={"answer": str(i % 5)}) for i, e in numbered]

    class Right(Case):
        examples: Sequence[Example] = ()

        def right(self, mask: str = "ordinary", latents: str = "keep") -> list[bool]:
            return right

    case = Right(questions=None)
    case.examples = [e.model_copy(update={"sources": ()}) for e in asked]
    assert case.is_able
    case.examples = asked
    assert not case.is_able


def test_robustness_passes_only_if_a_larger_fall_is_ruled_out(monkeypatch) -> None:
    def levels(lost: int) -> list[Level]:
        clean = (True,) * 100
        found = []
        for model, wrong in (("model", lost), ("baseline", 0)):
            for mask in RULES if model == "model" else RULES[:1]:
                found.append(Level(model, mask, "none", 0.0, clean))
                disturbed = (False,) * wrong + (True,) * (100 - wrong)
                found.append(Level(model, mask, "noise", 0.1, disturbed))
        return found

    verdicts = []
    for lost in (0, 2, 20):
        monkeypatch.setattr(robust, "curves", lambda *_, lost=lost: levels(lost))
        asked = Questions.__new__(Questions)
        monkeypatch.setattr(Questions, "with_examples", lambda self, examples: self)
        asked.examples = [question(i, "1") for i in range(3)]
        case = answered([True], [True], [True])
        case.questions = case.baseline = asked
        case.examples = asked.examples
        verdicts.append([f.verdict for f in robust.run(case)])
    assert verdicts == [["pass", "info"], ["unclear", "info"], ["fail", "info"]]
    case.is_able = False
    assert [f.verdict for f in robust.run(case)] == ["unclear", "info"]


def test_known_factors_do_not_show_in_the_words_of_the_question() -> None:
    found = {factor.name: factor for factor in factors.composed(seed=0)}
    assert set(found) == {"count", "class", "position"}
    assert len({e.question for e in found["class"].examples}) == 1
    assert len({e.question for e in found["count"].examples}) == 2
    for factor in found.values():
        counts = [factor.labels.count(label) for label in set(factor.labels)]
        assert min(counts) >= 15 and sum(counts) == factors.PICTURES
    assert abs(found["position"].labels.count("left") - factors.PICTURES / 2) <= 1


def test_marks_have_a_known_place() -> None:
    boxes = [(2, 2, 20, 20), (44, 2, 62, 20)]
    pictures = [draw_boxes(Image.new("RGB", (64, 24)), {"A": boxes[i % 2]}) for i in range(40)]
    rows = [question(i, "A").model_copy(update={"images": (p,), "task": "localization"})
            for i, p in enumerate(pictures)]  # fmt: skip
    (factor,) = factors.marked(rows)
    assert factor.labels == ["left", "right"] * 20
    assert factors.marked(rows[:10]) == []


def test_attention_mass_does_not_depend_on_the_batch(checkpoints) -> None:
    model = livr.load(checkpoints("qwen3_vl"), num_latents=3, seed=0)
    asked = [question(i, answer) for i, answer in enumerate(("7", "a longer answer", "two words"))]
    together, alone = (masses(Questions(model, asked, size)) for size in (3, 1))
    assert torch.isfinite(together).all()
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_verdict_names_what_stands_behind_it() -> None:
    def audit(*findings: Finding) -> Audit:
        return Audit("m", "d", "test", 1, None, None, 0, findings)

    assert reasons(audit(finding("pass", "accuracy"), finding("fail"))) == "Fail: dropped."
    assert reasons(audit(*passed())) == ""
    assert reasons(audit(*passed(), finding("unclear"))) == "Unclear: dropped."
    assert _folded("counterfactual.recoloured") == "counterfactual\n.recoloured"
    assert _folded("content.other.bottleneck") == "content.other\n.bottleneck"
    assert _folded("content.other") == "content.other"


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_disturbances_grow_keep_the_size_and_repeat(name) -> None:
    clean = tiny.picture(1, (64, 48))
    example = Example(id="1", images=(clean,), question="?", answer="1")
    corruption = CORRUPTIONS[name]
    off = []
    for strength in corruption.strengths:
        first, again = (disturb(example, corruption, strength, 3).images[0] for _ in range(2))
        assert first.size == clean.size
        assert np.array_equal(first, again)
        off.append(np.abs(np.asarray(first, float) - np.asarray(clean, float)).mean())
    assert 0 < off[0] < off[1] < off[2]


def test_counterfactual_pairs_differ_in_one_object() -> None:
    for change in counterfactual.CHANGES:
        pairs = counterfactual.compose(change, seed=0, pairs=3)
        for pair in pairs:
            step = int(pair.second.answer) - int(pair.first.answer)
            assert step == (1 if change == "added" else 0)
            one, two = (np.asarray(e.images[0], int) for e in (pair.first, pair.second))
            changed = (np.abs(one - two).sum(-1) > 0).mean()
            assert 0 < changed < 0.5
        again = counterfactual.compose(change, seed=0, pairs=3)
        assert [p.first.images[0] for p in pairs] == [p.first.images[0] for p in again]


def test_what_cannot_be_audited_is_one_clear_message(checkpoints, tmp_path) -> None:
    data = tiny.dataset(tmp_path / "data")
    with pytest.raises(ModelError, match="has no latents"):
        livr.audit(checkpoints("qwen3_vl"), data)
    with pytest.raises(ConfigError, match="choose from blindness"):
        livr.audit(checkpoints("qwen3_vl"), data, tests=("magic",))
    (tmp_path / "file").write_text("")
    for out in ("file", "file/below"):
        with pytest.raises(ConfigError, match="file is not a folder, so nothing can be written"):
            livr.audit("there is no such model", data, out=tmp_path / out)
    with pytest.raises(ConfigError, match="limit is -1; give 1 or more questions, or 0 for all"):
        livr.audit("there is no such model", data, limit=-1)


def test_as_many_questions_as_asked_for() -> None:
    asked = [question(i, "A") for i in range(5)]
    for everything in (None, 0, 5, 9):
        assert draw_questions(asked, everything, 0, "") == asked
    some = draw_questions(asked, 3, 0, "")
    assert len(some) == 3 and some == [e for e in asked if e in some]


def test_a_model_that_knows_nothing_gets_no_verdict(checkpoints, tmp_path) -> None:
    """Every test runs on a random model with ragged questions; none claims anything."""
    model = livr.load(checkpoints("qwen2_5_vl"), num_latents=3, seed=0)
    data = tiny.dataset(tmp_path / "data", val=6)
    result = livr.audit(model, data, tests=[t for t in TESTS if t != "robustness"])
    assert result.verdict == "unclear"
    assert result["blindness"].verdict == "pass"
    assert result["content.sham"].verdict == "pass"
    assert result["content.other"].verdict == "unclear"
    assert result["dropped"].interval is not None
    assert isinstance(result["dropped"].interval, Interval)
    names = [f.name for f in result.findings]
    assert set(DECISIVE) <= set(names), "else nothing could pass"
    assert {f.name for f in result.findings if f.digits} == {"retention", "attention", "collapse"}
