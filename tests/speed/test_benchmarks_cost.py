"""The fit behind docs/cost.md finds what it was given, and the page holds what the script can print."""

from pathlib import Path

import pytest

from benchmarks import cost
from resnet_course.models import cifar_resnet

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"


def test_the_fit_finds_the_costs_that_made_the_seconds() -> None:
    rows = [(1e9, 1e6, 8.0), (4e9, 2e6, 20.0), (2e9, 9e6, 20.0), (7e9, 3e6, 56.0)]
    seconds = [flops * 2e-11 + numbers * 3e-9 + layers * 1e-3 for flops, numbers, layers in rows]
    costs, errors = cost.fit(rows, seconds)
    assert costs.tolist() == pytest.approx([2e-11, 3e-9, 1e-3])
    assert errors.abs().max() < 1e-9


def test_no_cost_is_below_zero() -> None:
    rows = [(1.0, 5.0), (2.0, 3.0), (3.0, 1.0), (4.0, 0.5)]
    seconds = [2 * first - 0.1 * second for first, second in rows]
    costs, errors = cost.fit(rows, seconds)
    assert costs.min() == 0
    assert 0 < errors.abs().max() < 0.5


def test_outputs_of_convolutions_and_batch_norms_are_counted() -> None:
    layers = [16 * 64] * 6 + [32 * 16] * 4 + [64 * 4] * 4  # depth 8 at 8 pixels: each convolution and its batch norm
    assert cost.count_outputs(cifar_resnet(8), (3, 8, 8)) == sum(layers)


def test_the_page_has_the_scripts_cases_and_extrapolation(capsys: pytest.CaptureFixture) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for case in cost.make_cases():
        flops = case.terms()[0] / cost.BATCH / 1e6
        assert f"| {case.depth} | {case.width} | {case.size} | {flops:.0f} |" in page
    cost.say_cluster()
    for line in capsys.readouterr().out.splitlines():
        assert not line.startswith("| ") or line in page
