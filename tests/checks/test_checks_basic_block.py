"""What the check of `basic_block` says and leaves alone, beyond what holds for every check."""

import answers
import pytest
import torch
from torch import nn

from resnet_course import checks
from resnet_course.models import BasicBlock

ANSWERS = answers.load()["basic_block"]


@pytest.mark.parametrize("thing", [None, 3, "BasicBlock", [BasicBlock], nn.Identity(), BasicBlock(3, 4)])
def test_a_message_says_that_the_class_itself_is_needed(thing: object) -> None:
    verdict = checks.verdict("basic_block", thing)
    assert (verdict.status, verdict.hint_id) == ("failed", "unknown")
    assert "the class itself is needed" in verdict.message


def test_the_check_leaves_random_numbers_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    checks.verdict("basic_block", ANSWERS.make(ANSWERS.wrong["no_final_relu"]))
    assert torch.equal(torch.rand(3), expected)
