"""The hidden side of assignment 2: inputs, wrong answers and points. Never given to learners, never in the sandbox."""

from __future__ import annotations

import numpy as np

from resnet_course.checking.exercise import Wrong
from resnet_course.grading.assignment.task import Task
from resnet_course.grading.sandbox.protocol import Arrays


def _numbers(rng: np.random.Generator, **shapes: int | tuple[int, ...]) -> Arrays:
    """Random arrays by name; two underscores stand for a dot."""
    return {name.replace("__", "."): rng.normal(size=shape) for name, shape in shapes.items()}


def _kinds_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.choice([8, 16, 24], 12), rng.choice([8, 16, 24], 12), rng.choice([1, 2], 12)], axis=1)
    each = [[8, 8, 1], [8, 16, 1], [16, 8, 1], [8, 8, 2], [8, 16, 2], [16, 8, 2], [8, 8, 3], [24, 8, 3]]
    return [{"blocks": np.array(blocks, dtype=np.int64)} for blocks in (drawn, each, [])]


def _shortcut_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for in_planes, out_planes, stride in ((6, 6, 1), (4, 6, 1), (6, 3, 1), (4, 4, 2), (4, 8, 2), (5, 3, 2), (3, 4, 3)):
        height, width = rng.integers(2, 5, 2) * 2 + [0, 1]
        out = (2, out_planes, -(-height // stride), -(-width // stride))
        case = _numbers(rng, x=(2, in_planes, height, width), gradient=out)
        if in_planes != out_planes:
            case |= _numbers(rng, w__conv__weight=(out_planes, in_planes, 1, 1))
        cases.append({**case, "sizes": np.array([in_planes, out_planes, stride])})
    return cases


def _block_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for in_planes, planes, stride, size in ((8, 4, 1, 5), (6, 3, 1, 4), (4, 4, 1, 4), (6, 5, 2, 6), (10, 5, 2, 7)):
        case = _numbers(
            rng,
            x=(3, in_planes, size, size),
            gradient=(3, 2 * planes, -(-size // stride), -(-size // stride)),
            w__conv1__weight=(planes, in_planes, 1, 1),
            w__conv2__weight=(planes, planes, 3, 3),
            w__conv3__weight=(2 * planes, planes, 1, 1),
        )
        for norm, channels in (("bn1", in_planes), ("bn2", planes), ("bn3", planes)):
            case |= {f"w.{norm}.{name}": rng.normal(size=channels) for name in ("weight", "bias", "running_mean")}
            case[f"w.{norm}.running_var"] = rng.uniform(0.5, 2, channels)
        if stride != 1 or in_planes != 2 * planes:
            case["w.shortcut.weight"] = rng.normal(size=(2 * planes, in_planes, 1, 1))
        cases.append({**case, "sizes": np.array([in_planes, planes, stride])})
    return cases


def _start_cases(student: str, seed: int) -> list[Arrays]:
    return [{"nested": np.array(True)}, {"nested": np.array(False)}]


def _parts_cases(student: str, seed: int) -> list[Arrays]:
    rng = np.random.default_rng(seed)
    cases = []
    for depth, channels, projections in ((1, 3, ()), (2, 4, (0,)), (3, 2, (1, 2)), (4, 3, (3,)), (2, 3, (0, 1))):
        case = _numbers(rng, x=(2, channels, 4, 4), gradient=(2, channels, 4, 4))
        case["branches"] = rng.normal(size=(depth, channels, channels, 3, 3)) / 3
        case |= {f"projection {index}": rng.normal(size=(channels, channels, 1, 1)) for index in projections}
        cases.append(case)
    return cases


_KINDS_WRONG = (
    Wrong(
        "channels_only",
        [("if stride > 1", "if False")],
        ask="What does stride 2 do to the shortcut when the channels stay?",
        explain="The stride makes the map smaller, so x and F(x) differ in shape although the channels are equal. The "
        "list needs an answer for that case.",
        credit=0.25,
    ),
    Wrong(
        "stride_only",
        [("if in_planes != out_planes", "if False")],
        ask="Can x with 16 channels be added to 32 channels?",
        explain="A change of the channels alone, at stride 1, needs a projection.",
        credit=0.25,
    ),
    Wrong(
        "both_or_nothing",
        [('" and ".join(steps) or "identity"', '"pooling and projection" if steps else "identity"')],
        ask="Is a projection needed where only the stride changes the shape?",
        explain="In lesson 07 one layer did both. Here each change has its own step, and a step that has nothing to do "
        "is left out.",
        credit=0.5,
    ),
    Wrong(
        "more_channels_only",
        [("in_planes != out_planes", "in_planes < out_planes")],
        ask="Can the number of channels also become smaller?",
        explain="It can, and then the shapes differ as well: compare with != and not with <.",
        credit=0.5,
    ),
    Wrong(
        "stride_two_only",
        [("stride > 1", "stride == 2")],
        ask="Is 2 the only stride that makes a map smaller?",
        explain="Every stride larger than 1 does.",
        credit=0.75,
    ),
    Wrong(
        "names_swapped",
        [("stride > 1", "SWAPPED"), ("in_planes != out_planes", "stride > 1"), ("SWAPPED", "in_planes != out_planes")],
        ask="Which of the two steps changes the number of channels?",
        explain="Pooling works on each channel by itself and only makes the map smaller; the 1×1 convolution mixes "
        "channels and leaves the size.",
        credit=0.25,
    ),
)
_KINDS_RIGHT = (
    [
        ("steps = []", "steps = ['pooling'] * (stride != 1) + ['projection'] * (in_planes != out_planes)"),
        ('            steps.append("pooling")', "            pass"),
        ('            steps.append("projection")', "            pass"),
    ],
    """\
def shortcut_kinds(blocks):
    table = {
        (False, False): "identity", (True, False): "pooling",
        (False, True): "projection", (True, True): "pooling and projection",
    }
    return [table[stride > 1, before != after] for before, after, stride in blocks]
""",
)

_SHORTCUT_WRONG = (
    Wrong(
        "no_rounding_up",
        [(", ceil_mode=True", "")],
        ask="What does your pooling do with the last column of a map of 7×7?",
        explain="Without ceil_mode=True a window that reaches over the border is dropped: 7 becomes 3, while the "
        "convolutions around it give 4.",
        credit=0.7,
    ),
    Wrong(
        "max_pooling",
        [("AvgPool2d", "MaxPool2d")],
        ask="Is the maximum of four numbers their mean?",
        explain="The text asks for average pooling. The maximum is not linear, and only one of the four positions gets "
        "a gradient.",
        credit=0.4,
    ),
    Wrong(
        "bias_left_on",
        [(", bias=False", "")],
        ask="Does the text give the convolution a bias?",
        explain="A convolution has one unless bias=False is set; with it, the shortcut adds a number of its own to "
        "every position.",
        credit=0.6,
    ),
    Wrong(
        "always_a_convolution",
        [("if in_planes != out_planes", "if True")],
        ask="How many weights does the shortcut have where the channels stay?",
        explain="None: the convolution is only needed where their number changes, otherwise `conv` is nn.Identity().",
        credit=0.4,
    ),
    Wrong(
        "stride_in_the_convolution",
        [("if stride > 1", "if False"), ("kernel_size=1", "kernel_size=1, stride=stride")],
        ask="How many of four positions does a 1×1 convolution with stride 2 read?",
        explain="One. This is the shortcut of lesson 07; here the pooling makes the map smaller and the convolution "
        "has stride 1.",
        credit=0.2,
    ),
    Wrong(
        "stride_twice",
        [("kernel_size=1", "kernel_size=1, stride=stride")],
        ask="By how much does your shortcut make a map smaller?",
        explain="The pooling divides it by the stride, and then the convolution does it again. Only the pooling takes "
        "the stride.",
        credit=0.3,
    ),
    Wrong(
        "batch_norm_added",
        [
            ("    def forward", "        self.bn = nn.BatchNorm2d(out_planes)\n\n    def forward"),
            ("self.conv(smaller)", "self.bn(self.conv(smaller))"),
        ],
        ask="Is the shortcut still linear?",
        explain="The projection of lesson 07 has a batch norm, this shortcut has none.",
        credit=0.4,
    ),
)
_SHORTCUT_RIGHT = (
    [("self.pool(x)", "self.conv(x)"), ("self.conv(smaller)", "self.pool(smaller)")],
    """\
class PooledShortcut(nn.Module):
    def __init__(self, in_planes, out_planes, stride):
        super().__init__()
        self.add_module("pool", [nn.Identity(), nn.AvgPool2d(stride, ceil_mode=True)][stride > 1])
        same = in_planes == out_planes
        self.add_module("conv", nn.Identity() if same else nn.Conv2d(in_planes, out_planes, (1, 1), bias=False))

    def forward(self, x):
        for step in (self.pool, self.conv):
            x = step(x)
        return x
""",
)

_BLOCK_WRONG = (
    Wrong(
        "shortcut_after_the_relu",
        [("out = self.conv1(F.relu(self.bn1(x)))", "x = F.relu(self.bn1(x))\n        out = self.conv1(x)")],
        ask="Which tensor does your shortcut get?",
        explain="It gets x after the first batch norm and ReLU, so nothing negative passes. Step 7 asks for x as it "
        "came in.",
        credit=0.5,
    ),
    Wrong(
        "relu_at_the_end",
        [("out + self.shortcut(x)", "F.relu(out + self.shortcut(x))")],
        ask="What comes after the addition?",
        explain="Nothing. A ReLU there is the order of lesson 05; it also stops the gradient on the shortcut wherever "
        "the sum is negative.",
        credit=0.5,
    ),
    Wrong(
        "no_shortcut",
        [("out + self.shortcut(x)", "out")],
        ask="Where is the shortcut added?",
        explain="The block keeps it and does not use it: what you return is F(x) alone.",
        credit=0.3,
    ),
    Wrong(
        "post_activation",
        [
            ("nn.BatchNorm2d(in_planes)", "nn.BatchNorm2d(planes)"),
            ("bn3 = nn.BatchNorm2d(planes)", "bn3 = nn.BatchNorm2d(self.expansion * planes)"),
            ("self.conv1(F.relu(self.bn1(x)))", "F.relu(self.bn1(self.conv1(x)))"),
            ("self.conv2(F.relu(self.bn2(out)))", "F.relu(self.bn2(self.conv2(out)))"),
            ("self.conv3(F.relu(self.bn3(out)))", "self.bn3(self.conv3(out))"),
        ],
        ask="Does the batch norm stand before or after its convolution?",
        explain="In pre-activation order it stands before, so bn1 has as many channels as come in.",
        credit=0.25,
    ),
    Wrong(
        "stride_on_the_first",
        [
            ("stride=stride, padding=1", "padding=1"),
            ("in_planes, planes, kernel_size=1", "in_planes, planes, kernel_size=1, stride=stride"),
        ],
        ask="Which convolution takes the stride?",
        explain="The 3×3 does. A 1×1 convolution with stride 2 never reads three of four positions.",
        credit=0.6,
    ),
    Wrong(
        "expansion_four",
        [("expansion = 2", "expansion = 4")],
        ask="How many channels leave the block?",
        explain="2 · planes. Four times as many leave the bottleneck of ResNet-50; here the expansion is 2.",
        credit=0.5,
    ),
    Wrong(
        "bias_left_on",
        [(", bias=False", "")],
        ask="Do the convolutions have a bias?",
        explain="nn.Conv2d has one unless you set bias=False. The bias of conv1 and conv2 is taken out again by the "
        "batch norm after them.",
        credit=0.6,
    ),
    Wrong(
        "last_relu_missing",
        [("F.relu(self.bn3(out))", "self.bn3(out)")],
        ask="What stands between bn3 and conv3?",
        explain="A ReLU. Without it, bn3 and conv3 together are one linear step.",
        credit=0.6,
    ),
    Wrong(
        "in_place",
        [("return out + self.shortcut(x)", "short = self.shortcut(x)\n        short += out\n        return short")],
        ask="What does the caller's tensor look like after the call?",
        explain="An identity shortcut returns x itself, and += writes into it. Add with + and make a new tensor.",
        credit=0.5,
    ),
)
_BLOCK_RIGHT = (
    [
        ("F.relu(self.bn1(x))", "self.bn1(x).relu()"),
        ("F.relu(self.bn2(out))", "nn.ReLU(inplace=True)(self.bn2(out))"),
        ("self.expansion * planes", "2 * planes"),
    ],
    """\
class PreActBottleneck(nn.Module):
    expansion = 2

    def __init__(self, in_planes, planes, stride, shortcut):
        nn.Module.__init__(self)
        sizes = [(in_planes, planes, 1, 1), (planes, planes, 3, stride), (planes, self.expansion * planes, 1, 1)]
        for number, (before, after, kernel, step) in enumerate(sizes, start=1):
            conv = nn.Conv2d(before, after, kernel, stride=step, padding=kernel // 2, bias=False)
            self.add_module(f"bn{number}", nn.BatchNorm2d(before))
            self.add_module(f"conv{number}", conv)
        self.shortcut = shortcut

    def forward(self, x):
        out, short = x, self.shortcut(x)
        for norm, conv in ((self.bn1, self.conv1), (self.bn2, self.conv2), (self.bn3, self.conv3)):
            out = conv(torch.clamp(norm(out), min=0))
        out += short
        return out
""",
)

_START_WRONG = (
    Wrong(
        "last_gamma",
        [("conv3", "bn3")],
        ask="Which parameter of the branch gets a gradient in the first step?",
        explain="None. With γ and β of bn3 at zero, conv3 gets zeros, so its gradient is zero, and the ReLU at 0 lets "
        "no gradient through to γ. The block stays the identity for ever. In this order the last layer is conv3.",
        credit=0.25,
    ),
    Wrong(
        "all_convolutions",
        [
            (
                "nn.init.zeros_(module.conv3.weight)",
                "[nn.init.zeros_(conv.weight) for conv in (module.conv1, module.conv2, module.conv3)]",
            )
        ],
        ask="Can a block learn whose convolutions are all zero?",
        explain="The gradient of each one contains the weights or the output of the others, so all of them are zero "
        "and stay so. Only the last one may start at zero.",
        credit=0.25,
    ),
    Wrong(
        "outermost_only",
        [("model.modules()", "model.children()")],
        ask="Did you reach the blocks inside of the stages?",
        explain="model.children() gives the next level only; model.modules() gives the model itself and everything in "
        "it.",
        credit=0.5,
    ),
    Wrong(
        "by_name",
        """\
def zero_start(model):
    for name, parameter in model.named_parameters():
        if name.endswith("conv3.weight"):
            nn.init.zeros_(parameter)
""",
        ask="Is everything that is called conv3 the end of a residual branch?",
        explain="A model may have another layer of this name. Ask for the class of the block, not for the name of its "
        "layer.",
        credit=0.75,
    ),
    Wrong(
        "shortcut_too",
        [("conv3.weight)", "conv3.weight)\n            [nn.init.zeros_(w) for w in module.shortcut.parameters()]")],
        ask="What does a block return whose shortcut is zero as well?",
        explain="Zero, whatever comes in. Only the branch starts at zero.",
        credit=0.25,
    ),
    Wrong(
        "a_copy",
        [("    for module", "    model = __import__('copy').deepcopy(model)\n    for module")],
        ask="Which model has changed after the call?",
        explain="A copy that nobody holds. Change the weights of the model itself.",
        credit=0.25,
    ),
)
_START_RIGHT = (
    [
        ("isinstance(module, PreActBottleneck)", "type(module) is PreActBottleneck"),
        ("nn.init.zeros_(module.conv3.weight)", "module.conv3.weight.data.mul_(0)"),
    ],
    """\
def zero_start(model):
    def visit(module):
        if isinstance(module, PreActBottleneck):
            module.conv3.weight.data.fill_(0)
    model.apply(visit)
    return model
""",
)

_PARTS_WRONG = (
    Wrong(
        "given_gradient_ignored",
        [("    output = along", "    gradient = torch.ones_like(gradient)\n    output = along")],
        ask="Which gradient did you start from?",
        explain="Your answer starts from ones, as .sum() does. The gradient at the output is given.",
        credit=0.5,
    ),
    Wrong(
        "whole_as_rest",
        [("whole - shortcuts", "whole")],
        ask="Do your two parts add up to the whole gradient?",
        explain="Your second part is already the whole; the part along the shortcuts is counted twice.",
        credit=0.5,
    ),
    Wrong(
        "branches_only",
        [("output = block(output)", "output = block(output) - block.shortcut(output)"), ("whole - shortcuts", "whole")],
        ask="How many ways lead through two blocks?",
        explain="Four: two of them take a shortcut in one block and the branch in the other. Your rest holds only the "
        "way through all branches.",
        credit=0.5,
    ),
    Wrong(
        "last_block_only",
        """\
def gradient_parts(blocks, x, gradient):
    x = x.detach().requires_grad_()
    out = x
    for block in blocks:
        before, out = out, block(out)
    (whole,) = torch.autograd.grad(out, x, gradient, retain_graph=True)
    (along,) = torch.autograd.grad(block.shortcut(before), x, gradient)
    return along, whole - along
""",
        ask="Which ways does the gradient take after the shortcut of the last block?",
        explain="You let it go on through branches and shortcuts of the others. Along the shortcuts only means the "
        "shortcut in every block.",
        credit=0.4,
    ),
    Wrong(
        "taken_for_the_identity",
        [("along = block.shortcut(along)", "pass")],
        ask="Is every shortcut the identity?",
        explain="The gradient only comes back unchanged where it is. A projection multiplies it by its weights.",
        credit=0.4,
    ),
    Wrong(
        "swapped",
        [("return shortcuts, whole - shortcuts", "return whole - shortcuts, shortcuts")],
        ask="Which part comes first?",
        explain="The one along the shortcuts; the numbers are right and stand in the wrong order.",
        credit=0.75,
    ),
)
_PARTS_RIGHT = (
    [
        ("x.detach()", "x.detach().clone()"),
        ("(whole,) = torch.autograd.grad(output, x, gradient)", "whole = torch.autograd.grad(output, x, gradient)[0]"),
    ],
    """\
def gradient_parts(blocks, x, gradient):
    inputs = [x]
    for block in blocks:
        inputs.append(block(inputs[-1]).detach())
    along = whole = gradient
    for block, value in zip(reversed(blocks), reversed(inputs[:-1])):
        value = value.detach().requires_grad_()
        short = block.shortcut(value)
        along = torch.autograd.grad(short, value, along, retain_graph=True)[0]
        whole = torch.autograd.grad(block(value), value, whole)[0]
    return along, whole - along
""",
)

TASKS = (
    Task("The kind of each shortcut", "shortcut_kinds", 8, _kinds_cases, _KINDS_WRONG, _KINDS_RIGHT),
    Task("The pooled shortcut", "PooledShortcut", 10, _shortcut_cases, _SHORTCUT_WRONG, _SHORTCUT_RIGHT),
    Task("The bottleneck", "PreActBottleneck", 16, _block_cases, _BLOCK_WRONG, _BLOCK_RIGHT),
    Task("The start as the identity", "zero_start", 8, _start_cases, _START_WRONG, _START_RIGHT),
    Task("The ways of the gradient", "gradient_parts", 8, _parts_cases, _PARTS_WRONG, _PARTS_RIGHT),
)
