"""What the records of a plan show: claims, each with the numbers that decide it.

Trainings are compared in pairs of one seed, see `inspection.paired_difference`: where the seeds do not decide, the
verdict is that it cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import mean

from resnet_course.experiments.plans import depth_of, shortcut_of
from resnet_course.experiments.records import Record, group_by
from resnet_course.inspection.differences import compare_means, paired_difference

SHALLOWEST = 20  # the paper's least deep network; 8 layers are too few to compare
STEP = 0.02  # of training error: below it a network has stopped improving


@dataclass(frozen=True)
class Finding:
    """A claim about the records.

    Args:
        claim: the sentence under test.
        holds: computed from the numbers; None where they cannot tell.
        numbers: the numbers in words.
    """

    claim: str
    holds: bool | None
    numbers: str

    @property
    def verdict(self) -> str:
        """The words that a report prints."""
        return "cannot tell" if self.holds is None else "reproduced" if self.holds else "not reproduced"


def find_out(name: str, records: Sequence[Record]) -> list[Finding]:
    """The findings of a plan; none for a plan that tests nothing."""
    return _FINDINGS[name](records) if name in _FINDINGS else []


def errors_by_network(records: Sequence[Record], value: str = "train_error") -> dict[str, list[float]]:
    """An error of all seeds, in their order, by network. Used in lessons 04, 05 and 07."""
    return {network: _by_seed(group, value) for (network,), group in group_by(records, "network").items()}


def _by_seed(records: Sequence[Record], value: str = "train_error") -> list[float]:
    return [record[value] for record in sorted(records, key=lambda record: record["configuration"]["seed"])]


def compare(claim: str, higher: Mapping[str, Sequence[float]], lower: Mapping[str, Sequence[float]]) -> Finding:
    """Whether one network's numbers are higher than another's, in pairs of one seed.

    Args:
        claim: the sentence under test.
        higher, lower: a name and one number for each seed.
    """
    return Finding(claim, *compare_means(higher, lower))


def _pick(errors: Mapping[str, Sequence[float]], *names: str) -> list[dict[str, Sequence[float]]]:
    return [{name: errors[name]} for name in names]


def errors_by_shortcut(records: Sequence[Record]) -> dict[str, list[float]]:
    """The test error of all seeds, in their order, by what `shortcut_of` calls the shortcuts. Used in lesson 07."""
    groups = group_by(records, "network", "start").values()
    return {shortcut_of(group[0]["configuration"]): _by_seed(group, "test_error") for group in groups}


def _shortcuts(records: Sequence[Record]) -> list[Finding]:
    named = errors_by_shortcut(records)
    found = []
    options = [name for name in named if name.startswith("option")]
    for one, other in [*combinations(options, 2), ("option C", "C from the identity")]:
        difference = paired_difference(named[one], named[other])
        worse, better = (one, other) if difference.mean > 0 else (other, one)
        found.append(compare(f"{worse} has a higher test error than {better}", *_pick(named, worse, better)))
    return found


def _degradation(records: Sequence[Record]) -> list[Finding]:
    errors = errors_by_network(records)
    depths = sorted({depth_of(network) for network in errors if depth_of(network) >= SHALLOWEST})
    found = [
        compare(
            f"plain {deep} has a higher training error than plain {shallow}",
            *_pick(errors, f"plain {deep}", f"plain {shallow}"),
        )
        for shallow, deep in pairwise(depths)
    ]
    first, last = depths[0], depths[-1]
    found += [
        compare(
            f"residual {deep} has a lower training error than residual {first}",
            *_pick(errors, f"residual {first}", f"residual {deep}"),
        )
        for deep in depths[1:]
    ]
    found.append(
        Finding(
            f"from {first} to {last} layers every residual network is better than its plain twin of the same seed",
            all(r < p for d in depths for r, p in zip(errors[f"residual {d}"], errors[f"plain {d}"], strict=True)),
            "mean training error, plain / residual: "
            + ", ".join(f"{d}: {mean(errors[f'plain {d}']):.3f} / {mean(errors[f'residual {d}']):.3f}" for d in depths),
        )
    )
    return found


def _learning_rates(records: Sequence[Record]) -> list[Finding]:
    best: dict[str, tuple[float, list[float]]] = {}
    for (network, rate), group in group_by(records, "network", "learning_rate").items():
        errors = _by_seed(group)
        if network not in best or mean(errors) < mean(best[network][1]):
            best[network] = rate, errors
    named = {network: {f"{network} at {rate:g}": errors} for network, (rate, errors) in best.items()}
    return [
        compare(
            "each at its best rate, plain 56 has a higher training error than plain 20",
            named["plain 56"],
            named["plain 20"],
        ),
        compare(
            "each at its best rate, residual 56 has a lower training error than plain 20",
            named["plain 20"],
            named["residual 56"],
        ),
    ]


def _long_training(records: Sequence[Record]) -> list[Finding]:
    groups = {key: _by_seed(group) for key, group in group_by(records, "network", "epochs").items()}
    lengths = {network: sorted(epochs for one, epochs in groups if one == network) for network, _ in groups}
    found = [
        compare(
            f"after {epochs} epochs plain 56 has a higher training error than plain 20",
            {"plain 56": groups["plain 56", epochs]},
            {"plain 20": groups["plain 20", epochs]},
        )
        for epochs in lengths["plain 20"]
    ]
    lowest = records[0].get("lowest_error")
    for network, (*_, before, last) in lengths.items():
        errors = groups[network, last]
        if lowest is None:
            claim = f"from {before} to {last} epochs the training error of {network} falls by less than {STEP}"
            difference, words = paired_difference(groups[network, before], errors), "it falls by"
        else:
            claim = f"after {last} epochs {network} is within {STEP} of the lowest training error that there can be"
            difference, words = paired_difference(errors, [lowest] * len(errors)), "it is above it by"
        found.append(Finding(claim, difference.is_within(STEP), f"{words} {difference}"))
    return found


def _starts(records: Sequence[Record]) -> list[Finding]:
    groups = {key: _by_seed(group) for key, group in group_by(records, "network", "start", "clip_norm").items()}
    plain, residual = ({"the usual start": groups[f"{kind} 56", "usual", 0]} for kind in ("plain", "residual"))
    return [
        compare(
            "a plain 56 that starts as the identity gets a lower training error",
            plain,
            {"identity": groups["plain 56", "identity", 0]},
        ),
        compare(
            "of two that start as the identity, plain 56 gets a higher training error than plain 20",
            {"plain 56": groups["plain 56", "identity", 0]},
            {"plain 20": groups["plain 20", "identity", 0]},
        ),
        compare("clipping the gradient to norm 1 helps plain 56", plain, {"clipped": groups["plain 56", "usual", 1]}),
        compare(
            "a residual 56 that starts with zero gamma gets a higher training error",
            {"zero gamma": groups["residual 56", "zero gamma", 0]},
            residual,
        ),
    ]


def _eighteen(records: Sequence[Record]) -> list[Finding]:
    """Early on by the training accuracy of the second epoch, in the end by the error on new images."""
    groups = group_by(records, "network", "epochs")
    few, many = sorted({epochs for _, epochs in groups})
    errors = {network: _by_seed(groups[network, few], "test_error") for network in ("TinyVGG", "plain 18", "ResNet-18")}
    patient = {f"TinyVGG, {many} epochs": _by_seed(groups["TinyVGG", many], "test_error")}
    second = {
        network: [record["curves"]["train_acc"][1] for record in groups[network, few]]
        for network in ("ResNet-18", "plain 18")
    }
    resnet = {"ResNet-18": errors["ResNet-18"]}
    return [
        compare(
            "in its second epoch ResNet-18 has a higher training accuracy than plain 18",
            *_pick(second, "ResNet-18", "plain 18"),
        ),
        compare("in the end plain 18 has a higher test error than ResNet-18", *_pick(errors, "plain 18", "ResNet-18")),
        compare(f"after {few} epochs TinyVGG has a higher test error", *_pick(errors, "TinyVGG", "ResNet-18")),
        compare(f"after {many} epochs TinyVGG still has a higher test error", patient, resnet),
    ]


def _in_words(values: Mapping[str, float] | Mapping[int, float]) -> str:
    return ", ".join(f"{name}: {value:.4f}" for name, value in values.items())


_FINDINGS: dict[str, Callable[[Sequence[Record]], list[Finding]]] = {
    "degradation": _degradation,
    "all-images": _degradation,
    "starts": _starts,
    "shortcuts": _shortcuts,
    "learning-rates": _learning_rates,
    "long-training": _long_training,
    "eighteen": _eighteen,
}
