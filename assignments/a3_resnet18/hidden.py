"""The hidden side of assignment 3: inputs, wrong answers and points. Never given to learners, never in the sandbox."""

from __future__ import annotations

import math

import numpy as np
from torch import nn

from resnet_course.assignments import stage_specification
from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.protocol import Arrays
from resnet_course.models import BasicBlock, Bottleneck, PlainBlock

Stage = tuple[int, int, int]


def _drawn_stages(rng: np.random.Generator) -> list[Stage]:
    return [(int(rng.integers(3, 8)), int(rng.integers(1, 3)), int(rng.integers(1, 3))) for _ in range(4)]


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


def _network_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for block, stages, size in (
        (BasicBlock, stage_specification(student), (16, 16)),
        (PlainBlock, _drawn_stages(rng), (9, 12)),
        (BasicBlock, [(6, 2, 2), (4, 1, 1), (4, 2, 2), (5, 1, 1)], (11, 11)),
        (Bottleneck, _drawn_stages(rng), (10, 10)),
    ):
        num_classes = int(rng.integers(2, 7))
        case = _weights(rng, block, stages, num_classes)
        case |= {"x": rng.normal(size=(3, 3, *size)), "gradient": rng.normal(size=(3, num_classes))}
        kind = (BasicBlock, PlainBlock, Bottleneck).index(block)  # as in examine.py
        cases.append({**case, "block": np.array(kind), "stages": np.array(stages), "classes": np.array(num_classes)})
    return cases


def _stages_cases(student: str, seed: int) -> list[Arrays]:
    """Channels that come in, size and stage: the student's own four, every kind of change, some drawn ones."""
    rng = np.random.default_rng(seed)
    own = stage_specification(student)
    cases = [(own[max(0, index - 1)][0], stage) for index, stage in enumerate(own)]
    cases += [(6, (6, 2, 1)), (6, (6, 3, 2)), (6, (12, 2, 1)), (12, (6, 1, 2)), (6, (8, 2, 3))]
    cases += [(int(rng.integers(1, 65)), stage) for stage in _drawn_stages(rng)]
    sizes = [16, 16, 8, 8, 5, 7, 8, 9, 10, *rng.integers(3, 40, 4)]
    return [
        {"in_planes": np.array(in_planes), "in_size": np.array(size), "stage": np.array(stage)}
        for (in_planes, stage), size in zip(cases, sizes, strict=True)
    ]


def _compare_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    return [{"seeds": seeds} for seeds in (np.array([3, 1]), rng.integers(0, 1000, 3), rng.integers(0, 1000, 5))]


_NETWORK_WRONG = (
    Wrong(
        "last_stage_only",
        [("leaving[2] + leaving[3]", "leaving[3]"), ("third.mean(dim=(2, 3)), ", "")],
        ask="Which maps does the head read?",
        explain="Two: what leaves layer3 and what leaves layer4. Yours reads the last one only, as ResNet-18 does.",
        credit=0.5,
    ),
    Wrong(
        "order_of_the_vectors",
        [("third.mean(dim=(2, 3)), fourth.mean(dim=(2, 3))", "fourth.mean(dim=(2, 3)), third.mean(dim=(2, 3))")],
        ask="Which vector stands first?",
        explain="That of layer3. The linear layer has a weight for each place, so the order is part of the network.",
        credit=0.75,
    ),
    Wrong(
        "largest_in_place_of_mean",
        [(".mean(dim=(2, 3))", ".amax(dim=(2, 3))")],
        ask="What does the head take of each map?",
        explain="The mean over all positions, not the largest number.",
        credit=0.6,
    ),
    Wrong(
        "expansion_forgotten",
        [("planes * block.expansion", "planes")],
        ask="How many channels leave a Bottleneck with 16 planes?",
        explain="64: it sends out planes * block.expansion. With BasicBlock, whose expansion is 1, the difference does "
        "not show.",
        credit=0.6,
    ),
    Wrong(
        "stride_in_every_block",
        [("[stride] + [1] * (num_blocks - 1)", "[stride] * num_blocks")],
        ask="How often does a stage with stride 2 halve the map?",
        explain="Once: only its first block takes the stride, the others have stride 1.",
        credit=0.4,
    ),
    Wrong(
        "usual_strides",
        [("[stride] +", "[1 if number == 1 else 2] +")],
        ask="Where do your strides come from?",
        explain="They are those of ResNet-18: 1 in the first stage and 2 in the others. Here each stage brings its "
        "own.",
        credit=0.4,
    ),
    Wrong(
        "channels_not_kept_account_of",
        [("    in_planes = planes * block", "in_planes = planes * block")],
        ask="What comes into the second block of a stage?",
        explain="What the first one sends out, and that is not what came into the stage. Building gives no error; "
        "running does.",
        credit=0.3,
    ),
    Wrong(
        "bias_in_the_stem",
        [(", bias=False", "")],
        ask="Has conv1 a bias?",
        explain="nn.Conv2d has one unless bias=False is set; the batch norm after it takes it out again.",
        credit=0.75,
    ),
    Wrong(
        "stem_without_relu",
        [("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")],
        ask="What stands between bn1 and layer1?",
        explain="A ReLU.",
        credit=0.75,
    ),
)
_NETWORK_RIGHT = (
    [
        ("third.mean(dim=(2, 3))", "F.adaptive_avg_pool2d(third, 1).flatten(1)"),
        ("F.relu(", "torch.relu("),
        ("fourth.mean(dim=(2, 3))", "fourth.flatten(2).mean(-1)"),
    ],
    """\
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
""",
)

_PARAMETERS_WRONG = (
    Wrong(
        "batch_norms_forgotten",
        [(" + 4 * planes", ""), (" + 2 * planes", "")],
        ask="Has a batch norm parameters?",
        explain="Two for each channel, γ and β. You counted the convolutions only.",
        credit=0.5,
    ),
    Wrong(
        "running_statistics_counted",
        [(" + 4 * planes", " + 8 * planes"), (" + 2 * planes", " + 4 * planes")],
        ask="Does a gradient change the running mean and variance?",
        explain="No, they are averages that are kept along. A batch norm has two parameters for each channel, not "
        "four.",
        credit=0.6,
    ),
    Wrong(
        "projection_forgotten",
        [("stride != 1 or in_planes != planes", "False")],
        ask="Where are the weights of the shortcut?",
        explain="Where the shape changes it is a 1×1 convolution with a batch norm.",
        credit=0.5,
    ),
    Wrong(
        "projection_for_channels_only",
        [("stride != 1 or ", "")],
        ask="Does the shortcut need a projection where only the stride changes the shape?",
        explain="It does in BasicBlock: x has the right channels and is too large.",
        credit=0.6,
    ),
    Wrong(
        "projection_for_strides_only",
        [(" or in_planes != planes", "")],
        ask="Can x be added at stride 1 if the number of channels changes?",
        explain="No; that shortcut needs a projection, too.",
        credit=0.6,
    ),
    Wrong(
        "projection_in_every_block",
        [
            (
                "    return",
                "    if stride != 1 or in_planes != planes:\n        other += planes**2 + 2 * planes\n    return",
            )
        ],
        ask="How many blocks of a stage change the shape?",
        explain="At most the first one. The others have the identity as their shortcut, without weights.",
        credit=0.4,
    ),
    Wrong(
        "channels_not_kept_account_of",
        [("other = 18 * planes**2", "other = 9 * in_planes * planes + 9 * planes**2")],
        ask="How many channels come into the second block?",
        explain="As many as leave the first one: planes, not in_planes.",
        credit=0.4,
    ),
    Wrong(
        "biases_counted",
        [(" + 4 * planes", " + 6 * planes")],
        ask="Have the 3×3 convolutions a bias?",
        explain="They have none: a batch norm comes after each of them.",
        credit=0.6,
    ),
)
_PARAMETERS_RIGHT = (
    [
        ("first + (num_blocks - 1) * other", "first + sum(other for _ in range(1, num_blocks))"),
        ("planes**2", "planes * planes"),
    ],
    """\
def stage_parameters(in_planes, stage):
    planes, num_blocks, stride = stage
    wide = planes * planes * 9
    projection = 0 if (in_planes, 1) == (planes, stride) else planes * (in_planes + 2)
    return projection + planes * in_planes * 9 + wide + (num_blocks - 1) * 2 * wide + num_blocks * 4 * planes
""",
)

_WORK_WRONG = (
    Wrong(
        "positions_of_the_input",
        [("9 * in_planes * planes + ", ""), ("return ", "return 9 * in_planes * planes * in_size**2 + ")],
        ask="At how many positions does a convolution with stride 2 stand?",
        explain="At those of its output, a quarter of those of its input. You counted the first convolution at the "
        "positions of the input.",
        credit=0.5,
    ),
    Wrong(
        "size_never_changes",
        [("weights * size**2", "weights * in_size**2")],
        ask="How large is the map after the first convolution of the stage?",
        explain="The stride has made it smaller, and everything after it works on the small map. You counted all "
        "convolutions at the positions of the input.",
        credit=0.4,
    ),
    Wrong(
        "rounded_down",
        [("(in_size + stride - 1) // stride", "in_size // stride")],
        ask="What leaves a 3×3 convolution with padding 1 and stride 2 for a map of 7×7?",
        explain="4×4: the size is rounded up.",
        credit=0.7,
    ),
    Wrong(
        "projection_forgotten",
        [("stride != 1 or in_planes != planes", "False")],
        ask="Does the shortcut work for nothing?",
        explain="Where the shape changes, its 1×1 convolution counts as well.",
        credit=0.6,
    ),
    Wrong(
        "projection_for_channels_only",
        [("stride != 1 or ", "")],
        ask="Does the shortcut need a projection where only the stride changes the shape?",
        explain="It does in BasicBlock.",
        credit=0.7,
    ),
    Wrong(
        "side_not_squared",
        [("size**2, size", "size, size")],
        ask="How many positions has a map of 8×8?",
        explain="64. You multiplied by the height only.",
        credit=0.4,
    ),
    Wrong(
        "weights_only",
        [(" * size**2", "")],
        ask="How often is each weight used?",
        explain="Once for every position of the output. Your number is that of the weights.",
        credit=0.3,
    ),
    Wrong(
        "one_convolution_for_each_block",
        [("9 * planes**2 + (num_blocks - 1) * 18 * planes**2", "num_blocks * 9 * planes**2")],
        ask="How many 3×3 convolutions have the blocks after the first one?",
        explain="Two each.",
        credit=0.4,
    ),
)
_WORK_RIGHT = (
    [
        ("(in_size + stride - 1) // stride", "-(-in_size // stride)"),
        ("return weights * size**2, size", "return [weights * size * size, size]"),
    ],
    """\
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
""",
)

_COMPARE_WRONG = (
    Wrong(
        "never_seeded",
        [("            reset_seeds(seed)\n", "")],
        ask="What do the seeds do in your function?",
        explain="They only say how often to train. Without reset_seeds(seed), each training starts from whatever state "
        "the generators are in, and nobody can repeat it.",
        credit=0.3,
    ),
    Wrong(
        "seeded_once",
        [("            reset_seeds(seed)\n", ""), ("    errors =", "    reset_seeds(seeds[0])\n    errors =")],
        ask="Which luck does the second training meet?",
        explain="You set the generators once, at the start. Set them before every training.",
        credit=0.4,
    ),
    Wrong(
        "one_seed_for_both",
        [
            ("            reset_seeds(seed)\n", ""),
            ("        for arm in errors:\n", "        reset_seeds(seed)\n        for arm in errors:\n"),
        ],
        ask="Does the second arm meet the same luck as the first?",
        explain="You set the generators once for each seed; the first training uses up random numbers, and the second "
        "one goes on behind them. Set them before every training.",
        credit=0.5,
    ),
    Wrong(
        "one_seed_for_both_plain_first",
        [
            ("            reset_seeds(seed)\n", ""),
            ("        for arm in errors:\n", '        reset_seeds(seed)\n        for arm in ("plain", "residual"):\n'),
        ],
        ask="Does the second arm meet the same luck as the first?",
        explain="You set the generators once for each seed; the first training uses up random numbers, and the second "
        "one goes on behind them. Set them before every training.",
        credit=0.5,
    ),
    Wrong(
        "sign",
        [("[plain - residual", "[residual - plain")],
        ask="Which arm is taken from which?",
        explain="Plain minus residual, so that a positive number speaks for the shortcuts.",
        credit=0.75,
    ),
    Wrong(
        "n_in_the_denominator",
        [("statistics.stdev", "statistics.pstdev")],
        ask="Do you divide by n or by n - 1?",
        explain="A few seeds are a sample of all seeds: the sample standard deviation has n - 1 in the denominator, in "
        "numpy std(ddof=1).",
        credit=0.75,
    ),
    Wrong(
        "not_paired",
        [("statistics.stdev(differences)", "sum(statistics.variance(each) for each in errors.values()) ** 0.5")],
        ask="Are the two errors of one seed independent?",
        explain="No: both arms met the same luck, and it cancels in their difference. So take the standard deviation "
        "of the differences, not of each arm.",
        credit=0.6,
    ),
    Wrong(
        "best_runs",
        [("statistics.mean(differences)", 'min(errors["plain"]) - min(errors["residual"])')],
        ask="Does the best of several runs tell how an arm does?",
        explain="It tells how lucky its luckiest run was. Take the mean over all seeds.",
        credit=0.5,
    ),
)
_COMPARE_RIGHT = (
    [("    for seed in seeds:\n        for arm in errors:\n", "    for arm in errors:\n        for seed in seeds:\n")],
    """\
def compare(train, seeds):
    errors = torch.empty(2, len(seeds), dtype=torch.float64)
    for row, arm in enumerate(("residual", "plain")):
        for column, seed in enumerate(seeds):
            torch.manual_seed(seed)
            errors[row, column] = train(arm)
    differences = errors[1] - errors[0]
    lists = {"residual": errors[0].tolist(), "plain": errors[1].tolist()}
    return lists, differences.mean().item(), differences.std().item()
""",
)

TASKS = (
    Task("The network", "StageResNet", 16, _network_cases, _NETWORK_WRONG, _NETWORK_RIGHT),
    Task("The parameters of a stage", "stage_parameters", 8, _stages_cases, _PARAMETERS_WRONG, _PARAMETERS_RIGHT),
    Task("The multiply-adds of a stage", "stage_multiply_adds", 8, _stages_cases, _WORK_WRONG, _WORK_RIGHT),
    Task("The fair comparison", "compare", 8, _compare_cases, _COMPARE_WRONG, _COMPARE_RIGHT),
)
