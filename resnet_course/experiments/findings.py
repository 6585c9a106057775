"""What the records of a plan show: claims, each with the numbers that decide it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from resnet_course.experiments.plans import depth_of, shortcut_of
from resnet_course.experiments.records import Record, group_by, mean_by

SHALLOWEST = 20  # the paper's least deep network; 8 layers are too few to compare


@dataclass(frozen=True)
class Finding:
    """A claim about the records.

    Args:
        claim: the sentence under test.
        holds: computed from the numbers.
        numbers: the numbers in words.
    """

    claim: str
    holds: bool
    numbers: str

    @property
    def verdict(self) -> str:
        """The word that a report prints."""
        return "reproduced" if self.holds else "not reproduced"


def find_out(name: str, records: Sequence[Record]) -> list[Finding]:
    """The findings of a plan; none for a plan that tests nothing."""
    return _FINDINGS[name](records) if name in _FINDINGS else []


def errors_by_network(records: Sequence[Record], value: str = "train_error") -> dict[str, list[float]]:
    """An error of all seeds, by network. Used in lesson 04."""
    return {network: [record[value] for record in group] for (network,), group in group_by(records, "network").items()}


def compare_shortcuts(records: Sequence[Record]) -> Finding:
    """Whether the options A, B and C differ less in test error than the seeds of one option do. Used in lesson 07."""
    errors = errors_by_network(records, "test_error")
    means = {f"option {shortcut_of(network)}": mean(values) for network, values in errors.items()}
    between_options = max(means.values()) - min(means.values())
    between_seeds = max(max(values) - min(values) for values in errors.values())
    return Finding(
        "the options differ less than two seeds of one option can",
        between_options < between_seeds,
        f"mean test error {_in_words(means)}; largest difference between options {between_options:.4f}, "
        f"between two seeds of one option {between_seeds:.4f}",
    )


def _degradation(records: Sequence[Record]) -> list[Finding]:
    errors = errors_by_network(records)
    depths = sorted({depth_of(network) for network in errors if depth_of(network) >= SHALLOWEST})
    plain, residual = ({depth: errors[f"{kind} {depth}"] for depth in depths} for kind in ("plain", "residual"))
    plain_means, residual_means = ({depth: mean(kind[depth]) for depth in depths} for kind in (plain, residual))
    first, last = depths[0], depths[-1]
    return [
        Finding(
            f"the training error of plain networks grows with every step of depth from {first} to {last}",
            all(plain_means[a] < plain_means[b] for a, b in pairwise(depths)),
            f"mean training error of plain networks by depth, {_in_words(plain_means)}",
        ),
        Finding(
            f"at every depth from {first} to {last} the residual network has the lower training error",
            all(residual_means[depth] < plain_means[depth] for depth in depths),
            f"mean training error of residual networks by depth, {_in_words(residual_means)}",
        ),
        Finding(
            f"at depth {last} every seed of the residual network is better than every seed of the plain one",
            max(residual[last]) < min(plain[last]),
            f"worst residual {max(residual[last]):.4f}, best plain {min(plain[last]):.4f}",
        ),
        Finding(
            f"residual {last} has a lower training error than residual {first}",
            residual_means[last] < residual_means[first],
            f"mean {residual_means[last]:.4f} against {residual_means[first]:.4f}",
        ),
    ]


def _learning_rates(records: Sequence[Record]) -> list[Finding]:
    errors = mean_by(records, "network", "learning_rate")
    rates = sorted({rate for _, rate in errors})
    best = {network: min(errors[network, rate] for rate in rates) for network, _ in errors}
    pairs = {rate: (errors["residual 56", rate], errors["plain 56", rate]) for rate in rates}
    return [
        Finding(
            f"each at its best of {len(rates)} rates, plain 56 has a higher training error than plain 20",
            best["plain 56"] > best["plain 20"],
            f"mean training error {_in_words(best)}",
        ),
        Finding(
            "at every rate residual 56 has a lower training error than plain 56",
            all(residual < plain for residual, plain in pairs.values()),
            "residual / plain " + ", ".join(f"{a:.4f} / {b:.4f} at {rate:g}" for rate, (a, b) in pairs.items()),
        ),
    ]


def _long_training(records: Sequence[Record]) -> list[Finding]:
    errors = mean_by(records, "network", "epochs")
    lengths = sorted({epochs for _, epochs in errors})
    pairs = {epochs: (errors["plain 20", epochs], errors["plain 56", epochs]) for epochs in lengths}
    return [
        Finding(
            f"after {' and '.join(map(str, lengths))} epochs plain 56 has a higher training error than plain 20",
            all(shallow < deep for shallow, deep in pairs.values()),
            "plain 20 / plain 56 " + ", ".join(f"{a:.4f} / {b:.4f} after {after}" for after, (a, b) in pairs.items()),
        )
    ]


def _eighteen(records: Sequence[Record]) -> list[Finding]:
    means = {network: mean(values) for network, values in errors_by_network(records, "test_error").items()}
    return [
        Finding(
            "the two 18-layer networks end about equal: within 0.01 in mean test error",
            abs(means["plain 18"] - means["ResNet-18"]) <= 0.01,
            f"mean test error {_in_words(means)}",
        )
    ]


def lost_by_lesion(record: Record) -> list[float]:
    """For each missing block the share of the accuracy above blind guessing that is lost. Used in lesson 10."""
    whole, guessing = 1 - record["test_error"], record["lesion"]["guessing"]
    return [(whole - (1 - error)) / (whole - guessing) for error in record["lesion"]["test_errors"]]


def _lesion(records: Sequence[Record]) -> list[Finding]:
    """By the two limits of lesson 10: more than two thirds is destroyed, less than a quarter is little."""
    lost = {network: list(map(lost_by_lesion, group)) for (network,), group in group_by(records, "network").items()}
    least = [min(shares) for shares in lost["plain 20"]]
    cheap = [sum(share < 1 / 4 for share in shares) for shares in lost["residual 20"]]
    blocks = len(lost["residual 20"][0])
    means = {network: [mean(shares) for shares in seeds] for network, seeds in lost.items()}
    return [
        Finding(
            "with every seed the plain network is destroyed, whichever block is missing",
            min(least) > 2 / 3,
            f"lost of what lies above guessing, at the least: {_shares(least)}",
        ),
        Finding(
            "with every seed most blocks of the residual network cost little",
            min(cheap) > blocks / 2,
            f"less than a quarter is lost for {', '.join(map(str, cheap))} of {blocks} blocks",
        ),
        Finding(
            "in the mean over blocks every residual network loses less than half as much as any plain one",
            max(means["residual 20"]) < min(means["plain 20"]) / 2,
            "; ".join(f"{network} {_shares(means[network])}" for network in means),
        ),
    ]


def _landscape(records: Sequence[Record]) -> list[Finding]:
    """The two questions of lesson 10, of one seed."""
    losses = {record["configuration"]["network"]: record["landscape"]["losses"] for record in records}
    blind = records[0]["landscape"]["blind_loss"]
    bent = {network: _bends_down(rows) for network, rows in losses.items()}
    below = {network: mean(loss < blind for row in rows for loss in row) for network, rows in losses.items()}
    return [
        Finding(
            "the loss around residual 20 bends downwards at fewer points than around plain 20",
            bent["residual 20"] < bent["plain 20"],
            f"share of the points {_in_words(bent)}",
        ),
        Finding(
            "the valley of residual 20 is wider",
            below["residual 20"] > below["plain 20"],
            f"share of the points with a loss below {blind:.2f}, {_in_words(below)}",
        ),
    ]


def _bends_down(rows: Sequence[Sequence[float]]) -> float:
    """Share of the points whose loss is above the mean of its two neighbours, in rows and in columns."""
    lines = [*rows, *zip(*rows, strict=True)]
    return mean(line[i - 1] + line[i + 1] < 2 * line[i] for line in lines for i in range(1, len(line) - 1))


def _shares(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0%}" for value in values)


def _in_words(values: Mapping[str, float] | Mapping[int, float]) -> str:
    return ", ".join(f"{name}: {value:.4f}" for name, value in values.items())


_FINDINGS: dict[str, Callable[[Sequence[Record]], list[Finding]]] = {
    "degradation": _degradation,
    "shortcuts": lambda records: [compare_shortcuts(records)],
    "learning-rates": _learning_rates,
    "long-training": _long_training,
    "eighteen": _eighteen,
    "lesion": _lesion,
    "landscape": _landscape,
}
