"""When an export's answer may differ from the run's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from livr.errors import ModelError
from livr.export.verify import compare_answers
from tests import tiny


def test_tokens_that_are_never_said_are_no_candidates() -> None:
    """The best token is barred: the run chose between the others, which lie 3 apart."""
    logits = torch.tensor([[9.0, 4.0, 1.0]])
    one = SimpleNamespace(prompt=[1], text="yes", logits_TV=logits, example=tiny.examples()[0])
    got = [{"prompt": [1], "text": "no"}]
    with pytest.raises(ModelError, match="the run answers 'yes'"):
        compare_answers([one], got, drift=1.0, unsayable=[0])
    assert compare_answers([one], got, drift=2.0, unsayable=[0]) == 0
