import json

import pytest
import torch

from resnet_course.notebook import cards, messages


def test_the_guess_stands_beside_the_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    cards.compare_guess({"plain 20": 0.9, "plain 56": None}, {"plain 20": 0.85, "plain 56": 0.22, "residual 56": 0.87})
    lines = {line.split(":")[0].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert all(number in lines["plain 20"] for number in ("measured 0.85", "guess 0.9", "off by 0.05"))
    assert "measured 0.22" in lines["plain 56"]
    assert "no guess" in lines["plain 56"]
    assert "no guess" in lines["residual 56"]


@pytest.mark.parametrize(
    ("guess", "measured", "unit", "said"),
    [(10, 12.5, " s", "measured 12.5 s; your guess 10 s"), (0, 0.5, "", "your guess 0, off by 0.5")],
)
def test_the_unit_stands_behind_the_numbers_and_zero_is_a_guess(
    capsys: pytest.CaptureFixture[str], guess: float, measured: float, unit: str, said: str
) -> None:
    cards.compare_guess({"time": guess}, {"time": measured}, unit=unit)
    assert said in capsys.readouterr().out


def test_a_guess_about_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nothing was measured for plain 65; the names are plain 56"):
        cards.compare_guess({"plain 65": 0.1}, {"plain 56": 0.2})


@pytest.mark.parametrize(
    ("holds", "word"), [(True, "✔ Reproduced"), (False, "✘ Not reproduced"), (None, "? Cannot tell")]
)
def test_the_verdict_comes_from_the_numbers(capsys: pytest.CaptureFixture[str], holds: bool | None, word: str) -> None:
    cards.verdict("deeper is worse", holds, "0.22 against 0.85")
    shown = capsys.readouterr().out
    assert f"{word}: deeper is worse" in shown
    assert "0.22 against 0.85" in shown


@pytest.mark.parametrize(("one", "status"), [(0.2, "reproduced"), (0.9, "not reproduced")])
def test_a_verdict_is_kept_as_data_in_a_notebook(displayed: list[dict], one: float, status: str) -> None:
    cards.verdict("claim", torch.tensor(one) < 0.8, "numbers")
    shown = json.loads(json.dumps([bundle[messages.MIME_TYPE] for bundle in displayed]))
    assert shown == [{"verdict": {"claim": "claim", "status": status, "numbers": "numbers"}}]


@pytest.mark.parametrize(
    ("higher", "lower", "said"),
    [
        ([0.8, 0.9, 0.85], [0.1, 0.2, 0.15], "✔ Reproduced: deeper is worse\n  plain 56 0.850, plain 20 0.150"),
        ([0.1, 0.2, 0.15], [0.8, 0.9, 0.85], "✘ Not reproduced"),
        ([0.8, 0.1, 0.5], [0.5, 0.5, 0.4], "? Cannot tell"),
        ([0.8], [0.1], "? Cannot tell"),
    ],
)
def test_a_comparison_goes_by_pairs_of_one_seed(capsys, higher: list[float], lower: list[float], said: str) -> None:
    cards.compare("deeper is worse", {"plain 56": higher}, {"plain 20": lower})
    assert said in capsys.readouterr().out
