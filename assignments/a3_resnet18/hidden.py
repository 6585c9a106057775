"""Hidden tests of assignment 3: never given to learners, never in the sandbox."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from resnet_course.assignments import stage_specification
from resnet_course.grading.marking import Mistake, Task, changed
from resnet_course.grading.probes import Probe, call, examine, ref, several
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock

Stage = tuple[int, int, int]
Arrays = dict[str, np.ndarray]


def _drawn_stages(rng: np.random.Generator) -> list[Stage]:
    return [(int(rng.integers(3, 8)), int(rng.integers(1, 3)), int(rng.integers(1, 3))) for _ in range(4)]


# Task 1: the network

_NETWORK = """
class StageResNet(nn.Module):
    def __init__(self, block, stages, num_classes):
        super().__init__()
        self.before = stages[0][0]
        self.conv1 = nn.Conv2d(3, self.before, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(self.before)
        self.layer1 = self.stage(block, *stages[0])
        self.layer2 = self.stage(block, *stages[1])
        self.layer3 = self.stage(block, *stages[2])
        third = self.before
        self.layer4 = self.stage(block, *stages[3])
        self.linear = nn.Linear(third + self.before, num_classes)

    def stage(self, block, planes, num_blocks, stride):
        first = block(self.before, planes, stride)
        self.before = planes * block.expansion
        return nn.Sequential(first, *[block(self.before, planes, 1) for _ in range(num_blocks - 1)])

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer2(self.layer1(out))
        low = self.layer3(out)
        high = self.layer4(low)
        low, high = F.adaptive_avg_pool2d(low, 1), F.adaptive_avg_pool2d(high, 1)
        return self.linear(torch.cat([low, high], 1).flatten(1))
"""
_NETWORK_LISTS = """
class StageResNet(nn.Module):
    def __init__(self, block, stages, num_classes):
        super().__init__()
        channels = [stages[0][0]] + [block.expansion * planes for planes, _, _ in stages]
        self.linear = nn.Linear(sum(channels[-2:]), num_classes)
        for index, (planes, num_blocks, stride) in enumerate(stages):
            layer = nn.Sequential()
            for number in range(num_blocks):
                coming = channels[index + 1] if number else channels[index]
                layer.append(block(coming, planes, 1 if number else stride))
            setattr(self, f"layer{index + 1}", layer)
        self.conv1 = nn.Conv2d(3, channels[0], (3, 3), 1, (1, 1), bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])

    def forward(self, x):
        maps = [self.bn1(self.conv1(x)).clamp(min=0)]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))
        return self.linear(torch.hstack([each.flatten(2).mean(-1) for each in maps[-2:]]))
"""


def _weights(rng: np.random.Generator, block: type[nn.Module], stages: list[Stage], num_classes: int) -> Arrays:
    """Random weights for the whole network, with names and shapes that do not come from the answer."""
    before = stages[0][0]
    parts: dict[str, nn.Module] = {"conv1": nn.Conv2d(3, before, 3, bias=False), "bn1": nn.BatchNorm2d(before)}
    leaving = []
    for index, (planes, num_blocks, stride) in enumerate(stages, start=1):
        for number in range(num_blocks):
            parts[f"layer{index}.{number}"] = block(before, planes, stride if number == 0 else 1)
            before = planes * block.expansion
        leaving.append(before)
    parts["linear"] = nn.Linear(leaving[2] + leaving[3], num_classes)
    arrays = {}
    for part, module in parts.items():
        for name, value in module.state_dict().items():
            shape = tuple(value.shape)
            if name.endswith("running_var"):
                arrays[f"w.{part}.{name}"] = rng.uniform(0.5, 2, shape)
            elif not name.endswith("num_batches_tracked"):
                arrays[f"w.{part}.{name}"] = rng.normal(size=shape) / math.sqrt(max(1, math.prod(shape[1:])))
    return arrays


def _network_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    probes = []
    for block, stages, size in (
        (BasicBlock, stage_specification(student), (16, 16)),
        (PlainBlock, _drawn_stages(rng), (9, 12)),
        (BasicBlock, [(6, 2, 2), (4, 1, 1), (4, 2, 2), (5, 1, 1)], (11, 11)),
        (Bottleneck, _drawn_stages(rng), (10, 10)),
    ):
        num_classes = int(rng.integers(2, 7))
        arrays = _weights(rng, block, stages, num_classes)
        arrays |= {"x": rng.normal(size=(3, 3, *size)), "gradient": rng.normal(size=(3, num_classes))}
        listed = several(*[several(*stage, kind="tuple") for stage in stages])
        steps = [
            call("StageResNet", ref(block.__name__), listed, num_classes, out="network"),
            *examine("network"),
        ]
        probes.append(Probe(steps, arrays))
    return probes


_NETWORK_MISTAKES = (
    Mistake(
        "last_stage_only",
        changed(
            _NETWORK,
            ("third + self.before", "self.before"),
            ("torch.cat([low, high], 1)", "high"),
        ),
        "Which maps does the head read? Two: what leaves layer3 and what leaves layer4. Yours reads the last one only, "
        "as ResNet-18 does.",
        0.5,
    ),
    Mistake(
        "order_of_the_vectors",
        changed(_NETWORK, ("[low, high]", "[high, low]")),
        "Which vector stands first? That of layer3. The linear layer has a weight for each place, so the order is part "
        "of the network.",
        0.75,
    ),
    Mistake(
        "largest_in_place_of_mean",
        changed(_NETWORK, ("adaptive_avg_pool2d", "adaptive_max_pool2d")),
        "What does the head take of each map? The mean over all positions, not the largest number.",
        0.6,
    ),
    Mistake(
        "expansion_forgotten",
        changed(_NETWORK, ("planes * block.expansion", "planes")),
        "How many channels leave a Bottleneck with 16 planes? 64: it sends out planes * block.expansion. With "
        "BasicBlock, whose expansion is 1, the difference does not show.",
        0.6,
    ),
    Mistake(
        "stride_in_every_block",
        changed(_NETWORK, ("block(self.before, planes, 1)", "block(self.before, planes, stride)")),
        "How often does a stage with stride 2 halve the map? Once: only its first block takes the stride, the others "
        "have stride 1.",
        0.4,
    ),
    Mistake(
        "usual_strides",
        changed(
            _NETWORK,
            (
                "first = block(self.before, planes, stride)",
                "first = block(self.before, planes, 2 if hasattr(self, 'layer1') else 1)",
            ),
        ),
        "Where do your strides come from? They are those of ResNet-18: 1 in the first stage and 2 in the others. Here "
        "each stage brings its own.",
        0.4,
    ),
    Mistake(
        "channels_not_kept_account_of",
        changed(
            _NETWORK,
            (
                "        self.before = planes * block.expansion\n        return nn.Sequential(first, *[",
                "        coming, self.before = self.before, planes * block.expansion\n"
                "        return nn.Sequential(first, *[",
            ),
            ("block(self.before, planes, 1)", "block(coming, planes, 1)"),
        ),
        "What comes into the second block of a stage? What the first one sends out, and that is not what came into the "
        "stage. Building gives no error; running does.",
        0.3,
    ),
    Mistake(
        "bias_in_the_stem",
        changed(_NETWORK, (", bias=False", "")),
        "Has conv1 a bias? nn.Conv2d has one unless bias=False is set; the batch norm behind it takes it out again.",
        0.75,
    ),
    Mistake(
        "stem_without_relu",
        changed(_NETWORK, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")),
        "What stands between bn1 and layer1? A ReLU.",
        0.75,
    ),
)


# Task 2: parameters

_PARAMETERS = """
def stage_parameters(in_planes, stage):
    planes, num_blocks, stride = stage
    total = 0
    for number in range(num_blocks):
        changes = number == 0 and (stride != 1 or in_planes != planes)
        coming = in_planes if number == 0 else planes
        total += coming * planes * 9 + 2 * planes
        total += planes * planes * 9 + 2 * planes
        if changes:
            total += coming * planes + 2 * planes
    return total
"""
_PARAMETERS_SUM = """
def stage_parameters(in_planes, stage):
    planes, num_blocks, stride = stage
    wide = planes * planes * 9
    projection = 0 if (in_planes, 1) == (planes, stride) else planes * (in_planes + 2)
    return projection + planes * in_planes * 9 + wide + (num_blocks - 1) * 2 * wide + num_blocks * 4 * planes
"""


def _stages(student: str, seed: int) -> list[tuple[int, Stage]]:
    """Channels that come in and the stage: the student's own four, every kind of change, some drawn ones."""
    rng = np.random.default_rng(seed)
    own = stage_specification(student)
    cases = [(own[max(0, index - 1)][0], stage) for index, stage in enumerate(own)]
    cases += [(6, (6, 2, 1)), (6, (6, 3, 2)), (6, (12, 2, 1)), (12, (6, 1, 2)), (6, (8, 2, 3))]
    return cases + [(int(rng.integers(1, 65)), stage) for stage in _drawn_stages(rng)]


def _parameters_probes(student: str, seed: int) -> list[Probe]:
    return [
        Probe([call("stage_parameters", in_planes, several(*stage, kind="tuple"), out="count")])
        for in_planes, stage in _stages(student, seed)
    ]


_PARAMETERS_MISTAKES = (
    Mistake(
        "batch_norms_forgotten",
        changed(_PARAMETERS, (" + 2 * planes", "")),
        "Has a batch norm parameters? Two for each channel, γ and β. You counted the convolutions only.",
        0.5,
    ),
    Mistake(
        "running_statistics_counted",
        changed(_PARAMETERS, (" + 2 * planes", " + 4 * planes")),
        "Does a gradient change the running mean and variance? No, they are averages that are kept along. A batch norm "
        "has two parameters for each channel, not four.",
        0.6,
    ),
    Mistake(
        "projection_forgotten",
        changed(_PARAMETERS, ("if changes", "if False")),
        "Where are the weights of the shortcut? Where the shape changes it is a 1×1 convolution with a batch norm.",
        0.5,
    ),
    Mistake(
        "projection_for_channels_only",
        changed(_PARAMETERS, ("(stride != 1 or in_planes != planes)", "in_planes != planes")),
        "Does the shortcut need a projection where only the stride changes the shape? It does in BasicBlock: x has "
        "the right channels and is too large.",
        0.6,
    ),
    Mistake(
        "projection_for_strides_only",
        changed(_PARAMETERS, ("(stride != 1 or in_planes != planes)", "stride != 1")),
        "Can x be added at stride 1 if the number of channels changes? No; that shortcut needs a projection, too.",
        0.6,
    ),
    Mistake(
        "projection_in_every_block",
        changed(_PARAMETERS, ("number == 0 and ", "")),
        "How many blocks of a stage change the shape? At most the first one. The others have the identity as their "
        "shortcut, without weights.",
        0.4,
    ),
    Mistake(
        "channels_not_kept_account_of",
        changed(_PARAMETERS, ("in_planes if number == 0 else planes", "in_planes")),
        "How many channels come into the second block? As many as leave the first one: planes, not in_planes.",
        0.4,
    ),
    Mistake(
        "biases_counted",
        changed(_PARAMETERS, (" * 9 + 2 * planes", " * 9 + 3 * planes")),
        "Have the 3×3 convolutions a bias? They have none: a batch norm stands behind each of them.",
        0.6,
    ),
)


# Task 3: multiply-adds

_WORK = """
def stage_multiply_adds(in_planes, in_size, stage):
    planes, num_blocks, stride = stage
    out_size = -(-in_size // stride)
    work = 9 * in_planes * planes * out_size**2
    work += (2 * num_blocks - 1) * 9 * planes * planes * out_size**2
    if in_planes != planes or stride != 1:
        work += in_planes * planes * out_size**2
    return work, out_size
"""
_WORK_CEIL = """
def stage_multiply_adds(in_planes, in_size, stage):
    out_size = in_size // stage[2] + (1 if in_size % stage[2] else 0)
    positions, work = out_size * out_size, 0
    for number in range(stage[1]):
        per_position = 9 * stage[0] * (in_planes + stage[0])
        if number == 0 and (stage[2] > 1 or in_planes != stage[0]):
            per_position += in_planes * stage[0]
        work += positions * per_position
        in_planes = stage[0]
    return work, out_size
"""


def _work_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed + 1)
    sizes = [16, 16, 8, 8, 5, 7, 8, 9, 10, *(int(size) for size in rng.integers(3, 40, 4))]
    return [
        Probe([call("stage_multiply_adds", in_planes, size, several(*stage, kind="tuple"), out="work")])
        for (in_planes, stage), size in zip(_stages(student, seed), sizes, strict=True)
    ]


_WORK_MISTAKES = (
    Mistake(
        "positions_of_the_input",
        changed(
            _WORK, ("9 * in_planes * planes * out_size**2\n    work", "9 * in_planes * planes * in_size**2\n    work")
        ),
        "At how many positions does a convolution with stride 2 stand? At those of its output, a quarter of those of "
        "its input. You counted the first convolution at the positions of the input.",
        0.5,
    ),
    Mistake(
        "size_never_changes",
        changed(_WORK, ("out_size**2", "in_size**2")),
        "How large is the map behind the first convolution of the stage? The stride has made it smaller, and "
        "everything behind it works on the small map. You counted all convolutions at the positions of the input.",
        0.4,
    ),
    Mistake(
        "rounded_down",
        changed(_WORK, ("-(-in_size // stride)", "in_size // stride")),
        "What leaves a 3×3 convolution with padding 1 and stride 2 for a map of 7×7? 4×4: the size is rounded up.",
        0.7,
    ),
    Mistake(
        "projection_forgotten",
        changed(_WORK, ("if in_planes != planes or stride != 1", "if False")),
        "Does the shortcut work for nothing? Where the shape changes, its 1×1 convolution counts as well.",
        0.6,
    ),
    Mistake(
        "projection_for_channels_only",
        changed(_WORK, (" or stride != 1", "")),
        "Does the shortcut need a projection where only the stride changes the shape? It does in BasicBlock.",
        0.7,
    ),
    Mistake(
        "side_not_squared",
        changed(_WORK, ("out_size**2", "out_size")),
        "How many positions has a map of 8×8? 64. You multiplied by the height only.",
        0.4,
    ),
    Mistake(
        "weights_only",
        changed(_WORK, (" * out_size**2", "")),
        "How often is each weight used? Once for every position of the output. Your number is that of the weights.",
        0.3,
    ),
    Mistake(
        "one_convolution_for_each_block",
        changed(_WORK, ("(2 * num_blocks - 1)", "num_blocks")),
        "How many 3×3 convolutions have the blocks behind the first one? Two each.",
        0.4,
    ),
)


# Task 4: the comparison

_COMPARE = """
def compare(train, seeds):
    def run(arm, seed):
        reset_seeds(seed)
        return train(arm)

    plain = [run("plain", seed) for seed in seeds]
    residual = [run("residual", seed) for seed in seeds]
    differences = [a - b for a, b in zip(plain, residual)]
    return {"residual": residual, "plain": plain}, statistics.mean(differences), statistics.stdev(differences)
"""
_COMPARE_TENSORS = """
def compare(train, seeds):
    errors = torch.empty(2, len(seeds), dtype=torch.float64)
    for row, arm in enumerate(("residual", "plain")):
        for column, seed in enumerate(seeds):
            torch.manual_seed(seed)
            errors[row, column] = train(arm)
    differences = errors[1] - errors[0]
    lists = {"residual": errors[0].tolist(), "plain": errors[1].tolist()}
    return lists, differences.mean().item(), differences.std().item()
"""
_COMPARE_UNSEEDED = """
def compare(train, seeds):
    START
    errors = {"residual": [], "plain": []}
    for seed in seeds:
        BOTH
        for arm in ARMS:
            errors[arm].append(train(arm))
    differences = [a - b for a, b in zip(errors["plain"], errors["residual"])]
    return errors, statistics.mean(differences), statistics.stdev(differences)
"""
_NOTHING = (("START", "pass"), ("BOTH", "pass"), ("ARMS", "errors"))
_ONE_SEED_FOR_BOTH = (
    "Does the second arm meet the same luck as the first? You set the generators once for each seed; the first "
    "training uses up random numbers, and the second one goes on behind them. Set them before every training."
)


def _compare_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    lists = [[3, 1], [int(each) for each in rng.integers(0, 1000, 3)], [int(each) for each in rng.integers(0, 1000, 5)]]
    return [Probe([call("compare", ref("rehearsal"), seeds, out="result")], seed=seed % 2**32) for seeds in lists]


_COMPARE_MISTAKES = (
    Mistake(
        "never_seeded",
        changed(_COMPARE_UNSEEDED, *_NOTHING),
        "What do the seeds do in your function? They only say how often to train. Without reset_seeds(seed), each "
        "training starts from whatever state the generators are in, and nobody can repeat it.",
        0.3,
    ),
    Mistake(
        "seeded_once",
        changed(_COMPARE_UNSEEDED, ("START", "reset_seeds(seeds[0])"), *_NOTHING[1:]),
        "Which luck does the second training meet? You set the generators once, at the start. Set them before every "
        "training.",
        0.4,
    ),
    Mistake(
        "one_seed_for_both",
        changed(_COMPARE_UNSEEDED, ("BOTH", "reset_seeds(seed)"), _NOTHING[0], _NOTHING[2]),
        _ONE_SEED_FOR_BOTH,
        0.5,
    ),
    Mistake(
        "one_seed_for_both_plain_first",
        changed(_COMPARE_UNSEEDED, ("BOTH", "reset_seeds(seed)"), _NOTHING[0], ("ARMS", '("plain", "residual")')),
        _ONE_SEED_FOR_BOTH,
        0.5,
    ),
    Mistake(
        "sign",
        changed(_COMPARE, ("[a - b for", "[b - a for")),
        "Which arm is taken from which? Plain minus residual, so that a positive number speaks for the shortcuts.",
        0.75,
    ),
    Mistake(
        "n_in_the_denominator",
        changed(_COMPARE, ("statistics.stdev", "statistics.pstdev")),
        "Do you divide by n or by n - 1? A few seeds are a sample of all seeds: the sample standard deviation has "
        "n - 1 in the denominator, in numpy std(ddof=1).",
        0.75,
    ),
    Mistake(
        "not_paired",
        changed(
            _COMPARE,
            (
                "statistics.stdev(differences)",
                "(statistics.variance(plain) + statistics.variance(residual)) ** 0.5",
            ),
        ),
        "Are the two errors of one seed independent? No: both arms met the same luck, and it cancels in their "
        "difference. So take the standard deviation of the differences, not of each arm.",
        0.6,
    ),
    Mistake(
        "best_runs",
        changed(_COMPARE, ("statistics.mean(differences)", "min(plain) - min(residual)")),
        "Does the best of several runs tell how an arm does? It tells how lucky its luckiest run was. Take the mean "
        "over all seeds.",
        0.5,
    ),
)

TASKS = (
    Task("The network", "StageResNet", 16, _network_probes, _NETWORK_MISTAKES, (_NETWORK, _NETWORK_LISTS)),
    Task(
        "The parameters of a stage",
        "stage_parameters",
        8,
        _parameters_probes,
        _PARAMETERS_MISTAKES,
        (_PARAMETERS, _PARAMETERS_SUM),
    ),
    Task(
        "The multiply-adds of a stage",
        "stage_multiply_adds",
        8,
        _work_probes,
        _WORK_MISTAKES,
        (_WORK, _WORK_CEIL),
    ),
    Task("The fair comparison", "compare", 8, _compare_probes, _COMPARE_MISTAKES, (_COMPARE, _COMPARE_TENSORS)),
)
