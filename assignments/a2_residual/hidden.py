"""Hidden tests of assignment 2: never given to learners, never in the sandbox."""

from __future__ import annotations

import numpy as np

from resnet_course.grading.marking import Mistake, Task, changed
from resnet_course.grading.probes import Probe, array, backward, call, examine, load, parameters, read, ref, several

Arrays = dict[str, np.ndarray]


def _numbers(rng: np.random.Generator, **shapes: tuple[int, ...]) -> Arrays:
    """Random arrays by name; two underscores stand for a dot."""
    return {name.replace("__", "."): rng.normal(size=shape) for name, shape in shapes.items()}


# Task 1: the kind of shortcut

_KINDS = """
def shortcut_kinds(blocks):
    def kind(in_planes, out_planes, stride):
        smaller, other = stride != 1, in_planes != out_planes
        if smaller and other:
            return "pooling and projection"
        return "pooling" if smaller else "projection" if other else "identity"
    return [kind(*block) for block in blocks]
"""
_KINDS_TABLE = """
def shortcut_kinds(blocks):
    table = {
        (False, False): "identity", (True, False): "pooling",
        (False, True): "projection", (True, True): "pooling and projection",
    }
    return [table[stride > 1, before != after] for before, after, stride in blocks]
"""


def _kinds_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    drawn = [[int(rng.choice([8, 16, 24])), int(rng.choice([8, 16, 24])), int(rng.choice([1, 2]))] for _ in range(12)]
    each = [[8, 8, 1], [8, 16, 1], [16, 8, 1], [8, 8, 2], [8, 16, 2], [16, 8, 2], [8, 8, 3], [24, 8, 3]]
    return [Probe([call("shortcut_kinds", blocks, out="kinds")]) for blocks in (drawn, each, [])]


_KINDS_MISTAKES = (
    Mistake(
        "channels_only",
        changed(_KINDS, ("stride != 1,", "False,")),
        "What does stride 2 do to the shortcut when the channels stay? The stride makes the map smaller, so x and F(x) "
        "differ in shape although the channels are equal. The list needs an answer for that case.",
        0.25,
    ),
    Mistake(
        "stride_only",
        changed(_KINDS, ("in_planes != out_planes", "False")),
        "Can x with 16 channels be added to 32 channels? A change of the channels alone, at stride 1, needs a "
        "projection.",
        0.25,
    ),
    Mistake(
        "both_or_nothing",
        changed(_KINDS, ("smaller and other", "smaller or other")),
        "Is a projection needed where only the stride changes the shape? In lesson 04 one layer did both. Here each "
        "change has its own step, and a step that has nothing to do is left out.",
        0.5,
    ),
    Mistake(
        "more_channels_only",
        changed(_KINDS, ("in_planes != out_planes", "in_planes < out_planes")),
        "Can the number of channels also become smaller? It can, and then the shapes differ as well: compare with "
        "!= and not with <.",
        0.5,
    ),
    Mistake(
        "stride_two_only",
        changed(_KINDS, ("stride != 1,", "stride == 2,")),
        "Is 2 the only stride that makes a map smaller? Every stride larger than 1 does.",
        0.75,
    ),
    Mistake(
        "names_swapped",
        changed(
            _KINDS, ('"pooling" if smaller', '"projection" if smaller'), ('"projection" if other', '"pooling" if other')
        ),
        "Which of the two steps changes the number of channels? Pooling works on each channel by itself and only "
        "makes the map smaller; the 1×1 convolution mixes channels and leaves the size.",
        0.25,
    ),
)


# Task 2: the pooled shortcut

_SHORTCUT = """
class PooledShortcut(nn.Module):
    def __init__(self, in_planes, out_planes, stride):
        super().__init__()
        self.conv = nn.Conv2d(in_planes, out_planes, 1, bias=False) if in_planes != out_planes else nn.Identity()
        self.pool = nn.AvgPool2d(stride, stride, ceil_mode=True) if stride != 1 else nn.Identity()

    def forward(self, x):
        return self.pool(self.conv(x))  # both are linear and work on different things: the order gives the same
"""
_SHORTCUT_LISTS = """
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
"""


def _shortcut_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    probes = []
    for in_planes, out_planes, stride in ((6, 6, 1), (4, 6, 1), (6, 3, 1), (4, 4, 2), (4, 8, 2), (5, 3, 2), (3, 4, 3)):
        height, width = (int(size) for size in rng.integers(2, 5, 2) * 2 + [0, 1])
        out = (2, out_planes, -(-height // stride), -(-width // stride))
        arrays = _numbers(rng, x=(2, in_planes, height, width), gradient=out)
        if in_planes != out_planes:
            arrays |= _numbers(rng, w__conv__weight=(out_planes, in_planes, 1, 1))
        steps = [
            call("PooledShortcut", in_planes, out_planes, stride, out="shortcut"),
            parameters("shortcut"),
            call("shortcut.double"),
            load("shortcut", "w."),
            call("shortcut.pool", array("x"), out="pooled"),
            call("shortcut", array("x", grad=True), out="y"),
            backward("y", "gradient", ["x"], "shortcut"),
            call("shortcut.eval"),
            call("shortcut", array("x"), out="y_eval"),
        ]
        probes.append(Probe(steps, arrays))
    return probes


_SHORTCUT_MISTAKES = (
    Mistake(
        "no_rounding_up",
        changed(_SHORTCUT, (", ceil_mode=True", "")),
        "What does your pooling do with the last column of a map of 7×7? Without ceil_mode=True a window that reaches "
        "over the border is dropped: 7 becomes 3, while the convolutions around it give 4.",
        0.7,
    ),
    Mistake(
        "max_pooling",
        changed(_SHORTCUT, ("AvgPool2d", "MaxPool2d")),
        "Is the maximum of four numbers their mean? The text asks for average pooling. The maximum is not linear, and "
        "only one of the four positions gets a gradient.",
        0.4,
    ),
    Mistake(
        "bias_left_on",
        changed(_SHORTCUT, (", bias=False", "")),
        "Does the text give the convolution a bias? A convolution has one unless bias=False is set; with it, the "
        "shortcut adds a number of its own to every position.",
        0.6,
    ),
    Mistake(
        "always_a_convolution",
        changed(_SHORTCUT, (" if in_planes != out_planes else nn.Identity()", "")),
        "How many weights does the shortcut have where the channels stay? None: the convolution is only needed where "
        "their number changes, otherwise `conv` is nn.Identity().",
        0.4,
    ),
    Mistake(
        "stride_in_the_convolution",
        changed(_SHORTCUT, ("out_planes, 1, bias", "out_planes, 1, stride, bias"), ("if stride != 1", "if False")),
        "How many of four positions does a 1×1 convolution with stride 2 read? One. This is the shortcut of lesson "
        "04; here the pooling makes the map smaller and the convolution has stride 1.",
        0.2,
    ),
    Mistake(
        "stride_twice",
        changed(_SHORTCUT, ("out_planes, 1, bias", "out_planes, 1, stride, bias")),
        "By how much does your shortcut make a map smaller? The pooling divides it by the stride, and then the "
        "convolution does it again. Only the pooling takes the stride.",
        0.3,
    ),
    Mistake(
        "batch_norm_added",
        changed(
            _SHORTCUT,
            ("    def forward", "        self.bn = nn.BatchNorm2d(out_planes)\n\n    def forward"),
            ("return self.pool(self.conv(x))", "return self.bn(self.conv(self.pool(x)))"),
        ),
        "Is the shortcut still linear? The projection of lesson 04 has a batch norm, this shortcut has none.",
        0.4,
    ),
)


# Task 3: the block

_BLOCK = """
class PreActBottleneck(nn.Module):
    expansion = 2

    def __init__(self, in_planes, planes, stride, shortcut):
        super().__init__()
        self.shortcut = shortcut
        self.conv1 = nn.Conv2d(in_planes, planes, 1, bias=False)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.conv3 = nn.Conv2d(planes, 2 * planes, 1, bias=False)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(in_planes), nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)

    def forward(self, x):
        out = self.conv1(self.bn1(x).relu())
        out = self.conv2(self.bn2(out).relu())
        out = self.conv3(self.bn3(out).relu())
        return out + self.shortcut(x)
"""
_BLOCK_LOOP = """
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
"""


def _block_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    probes = []
    for in_planes, planes, stride, size in ((8, 4, 1, 5), (6, 3, 1, 4), (4, 4, 1, 4), (6, 5, 2, 6), (10, 5, 2, 7)):
        arrays = _numbers(
            rng,
            x=(3, in_planes, size, size),
            gradient=(3, 2 * planes, -(-size // stride), -(-size // stride)),
            w__conv1__weight=(planes, in_planes, 1, 1),
            w__conv2__weight=(planes, planes, 3, 3),
            w__conv3__weight=(2 * planes, planes, 1, 1),
        )
        for number, channels in ((1, in_planes), (2, planes), (3, planes)):
            for name in ("weight", "bias", "running_mean"):
                arrays[f"w.bn{number}.{name}"] = rng.normal(size=channels)
            arrays[f"w.bn{number}.running_var"] = rng.uniform(0.5, 2, channels)
        shortcut = call("torch.nn.Identity", out="given")
        if stride != 1 or in_planes != 2 * planes:
            shortcut = call("torch.nn.Conv2d", in_planes, 2 * planes, 1, stride, bias=False, out="given")
            arrays["w.shortcut.weight"] = rng.normal(size=(2 * planes, in_planes, 1, 1))
        steps = [
            shortcut,
            call("PreActBottleneck", in_planes, planes, stride=stride, shortcut=ref("given"), out="block"),
            read("block.expansion", out="expansion"),
            *examine("block"),
        ]
        probes.append(Probe(steps, arrays))
    return probes


_BLOCK_MISTAKES = (
    Mistake(
        "shortcut_after_the_relu",
        changed(
            _BLOCK,
            ("out = self.conv1(self.bn1(x).relu())", "x = self.bn1(x).relu()\n        out = self.conv1(x)"),
        ),
        "Which tensor does your shortcut get? It gets x behind the first batch norm and ReLU, so nothing negative "
        "passes. Step 7 asks for x as it came in.",
        0.5,
    ),
    Mistake(
        "relu_at_the_end",
        changed(_BLOCK, ("return out + self.shortcut(x)", "return (out + self.shortcut(x)).relu()")),
        "What stands behind the addition? Nothing. A ReLU there is the order of lesson 03; it also stops the gradient "
        "on the shortcut wherever the sum is negative.",
        0.5,
    ),
    Mistake(
        "no_shortcut",
        changed(_BLOCK, ("return out + self.shortcut(x)", "return out")),
        "Where is the shortcut added? The block keeps it and does not use it: what you return is F(x) alone.",
        0.3,
    ),
    Mistake(
        "post_activation",
        changed(
            _BLOCK,
            (
                "nn.BatchNorm2d(in_planes), nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)",
                "nn.BatchNorm2d(planes), nn.BatchNorm2d(planes), nn.BatchNorm2d(2 * planes)",
            ),
            ("self.conv1(self.bn1(x).relu())", "self.bn1(self.conv1(x)).relu()"),
            ("self.conv2(self.bn2(out).relu())", "self.bn2(self.conv2(out)).relu()"),
            ("self.conv3(self.bn3(out).relu())", "self.bn3(self.conv3(out))"),
        ),
        "Does the batch norm stand before or behind its convolution? In pre-activation order it stands before, so bn1 "
        "has as many channels as come in.",
        0.25,
    ),
    Mistake(
        "stride_on_the_first",
        changed(
            _BLOCK,
            ("planes, 1, bias=False)\n        self.conv2", "planes, 1, stride, bias=False)\n        self.conv2"),
            ("3, stride, 1", "3, 1, 1"),
        ),
        "Which convolution takes the stride? The 3×3 does. A 1×1 convolution with stride 2 never reads three of four "
        "positions.",
        0.6,
    ),
    Mistake(
        "expansion_four",
        changed(_BLOCK, ("expansion = 2", "expansion = 4"), ("2 * planes", "4 * planes")),
        "How many channels leave the block? 2 · planes. Four times as many leave the bottleneck of ResNet-50; here the "
        "expansion is 2.",
        0.5,
    ),
    Mistake(
        "bias_left_on",
        changed(_BLOCK, (", bias=False", "")),
        "Do the convolutions have a bias? nn.Conv2d has one unless you set bias=False. The bias of conv1 and conv2 is "
        "taken out again by the batch norm behind them.",
        0.6,
    ),
    Mistake(
        "last_relu_missing",
        changed(_BLOCK, ("self.bn3(out).relu()", "self.bn3(out)")),
        "What stands between bn3 and conv3? A ReLU. Without it, bn3 and conv3 together are one linear step.",
        0.6,
    ),
    Mistake(
        "in_place",
        changed(
            _BLOCK,
            ("return out + self.shortcut(x)", "short = self.shortcut(x)\n        short += out\n        return short"),
        ),
        "What does the caller's tensor look like after the call? An identity shortcut returns x itself, and += writes "
        "into it. Add with + and make a new tensor.",
        0.5,
    ),
)


# Task 4: the start

_START = """
def zero_start(model):
    with torch.no_grad():
        for block in [module for module in model.modules() if type(module) is PreActBottleneck]:
            block.conv3.weight.mul_(0)
"""
_START_APPLY = """
def zero_start(model):
    def visit(module):
        if isinstance(module, PreActBottleneck):
            module.conv3.weight.data.fill_(0)
    model.apply(visit)
    return model
"""
_LAYERS = {
    "bn1": (4,),
    "conv1": (4, 2, 1),
    "bn2": (2,),
    "conv2": (2, 2, 3),
    "bn3": (2,),
    "conv3": (2, 4, 1),
    "shortcut": (4, 4, 1),
}


def _start_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    steps, arrays = [], {}

    def make(name: str, channels: int, *convolution: int) -> None:
        """A batch norm, or with further numbers a convolution, with weights that are nowhere zero."""
        kind, options = ("Conv2d", {"bias": False}) if convolution else ("BatchNorm2d", {})
        shape = (convolution[0], channels, convolution[1], convolution[1]) if convolution else (channels,)
        arrays[f"{name}.weight"] = 3 + rng.uniform(size=shape)
        steps.extend([call(f"torch.nn.{kind}", channels, *convolution, **options, out=name), load(name, f"{name}.")])

    make("other", 4, 4, 1)
    make("norm", 4)
    for index in range(3):
        steps.append(call("torch.nn.Identity", out="nothing"))
        steps.append(call("PreActBottleneck", 4, 2, 1, ref("nothing"), out=f"block{index}"))
        for layer, sizes in _LAYERS.items():  # the answer's own layers are replaced: they are not what is tested here
            make(f"{layer}_{index}", *sizes)
            steps.append(call(f"block{index}.add_module", layer, ref(f"{layer}_{index}")))
    nested = [
        call("torch.nn.Sequential", ref("norm"), ref("block1"), ref("block2"), out="stage"),
        call("torch.nn.Sequential", ref("block0"), ref("stage"), out="model"),
        call("model.add_module", "conv3", ref("other")),
        call("zero_start", ref("model")),
    ]
    single = [call("zero_start", ref("block0"))]
    seen = [read(f"{name}.weight", out=name) for name in (key.removesuffix(".weight") for key in arrays)]
    return [Probe([*steps, *nested, *seen], arrays), Probe([*steps, *single, *seen], arrays)]


_START_MISTAKES = (
    Mistake(
        "last_gamma",
        changed(_START, ("conv3", "bn3")),
        "Which parameter of the branch gets a gradient in the first step? None. With γ and β of bn3 at zero, conv3 "
        "gets zeros, so its gradient is zero, and the ReLU at 0 lets no gradient through to γ. The block stays the "
        "identity for ever. In this order the last layer is conv3.",
        0.25,
    ),
    Mistake(
        "all_convolutions",
        changed(
            _START,
            ("block.conv3.weight.mul_(0)", "[conv.weight.mul_(0) for conv in (block.conv1, block.conv2, block.conv3)]"),
        ),
        "Can a block learn whose convolutions are all zero? The gradient of each one contains the weights or the "
        "output of the others, so all of them are zero and stay so. Only the last one may start at zero.",
        0.25,
    ),
    Mistake(
        "outermost_only",
        changed(_START, ("model.modules()", "model.children()")),
        "Did you reach the blocks inside of the stages? model.children() gives the next level only; model.modules() "
        "gives the model itself and everything in it.",
        0.5,
    ),
    Mistake(
        "by_name",
        """
def zero_start(model):
    for name, parameter in model.named_parameters():
        if name.endswith("conv3.weight"):
            nn.init.zeros_(parameter)
""",
        "Is everything that is called conv3 the end of a residual branch? A model may have another layer of this name. "
        "Ask for the class of the block, not for the name of its layer.",
        0.75,
    ),
    Mistake(
        "shortcut_too",
        changed(
            _START,
            (
                "block.conv3.weight.mul_(0)",
                "block.conv3.weight.mul_(0)\n            [weight.mul_(0) for weight in block.shortcut.parameters()]",
            ),
        ),
        "What does a block return whose shortcut is zero as well? Zero, whatever comes in. Only the branch starts at "
        "zero.",
        0.25,
    ),
    Mistake(
        "a_copy",
        changed(_START, ("    with", "    model = __import__('copy').deepcopy(model)\n    with")),
        "Which model has changed after the call? A copy that nobody holds. Change the weights of the model itself.",
        0.25,
    ),
)


# Task 5: the gradient

_PARTS = """
def gradient_parts(blocks, x, gradient):
    x = x.detach().clone().requires_grad_(True)
    out, short = x, x
    for block in blocks:
        out = block(out)
        short = block.shortcut(short)
    along = torch.autograd.grad(short, x, gradient)[0]
    whole = torch.autograd.grad(out, x, gradient)[0]
    return along, whole - along
"""
_PARTS_BACKWARDS = """
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
"""


def _parts_probes(student: str, seed: int) -> list[Probe]:
    rng = np.random.default_rng(seed)
    probes = []
    for depth, channels, projections in ((1, 3, ()), (2, 4, (0,)), (3, 2, (1, 2)), (4, 3, (3,)), (2, 3, (0, 1))):
        arrays = _numbers(rng, x=(2, channels, 4, 4), gradient=(2, channels, 4, 4))
        steps = []
        for index in range(depth):
            arrays[f"conv{index}.0.weight"] = rng.normal(size=(channels, channels, 3, 3)) / 3
            arrays[f"short{index}.weight"] = rng.normal(size=(channels, channels, 1, 1))
            steps += [
                call("torch.nn.Conv2d", channels, channels, 3, padding=1, bias=False, out=f"conv{index}"),
                call("torch.nn.ReLU", out=f"relu{index}"),
                call("torch.nn.Sequential", ref(f"conv{index}"), ref(f"relu{index}"), out=f"branch{index}"),
                call(f"branch{index}.double"),
                load(f"branch{index}", f"conv{index}."),
                call("torch.nn.Identity", out=f"short{index}"),
            ]
            if index in projections:
                shortcut = call("torch.nn.Conv2d", channels, channels, 1, bias=False, out=f"short{index}")
                steps[-1:] = [shortcut, call(f"short{index}.double"), load(f"short{index}", f"short{index}.")]
            steps.append(call("TwoWays", ref(f"branch{index}"), ref(f"short{index}"), out=f"block{index}"))
        blocks = several(*[ref(f"block{index}") for index in range(depth)])
        steps.append(call("gradient_parts", blocks, array("x"), array("gradient"), out="parts"))
        probes.append(Probe(steps, arrays))
    return probes


_PARTS_MISTAKES = (
    Mistake(
        "given_gradient_ignored",
        changed(_PARTS, ("x, gradient)[0]", "x, torch.ones_like(gradient))[0]")),
        "Which gradient did you start from? Your answer starts from ones, as .sum() does. The gradient at the output "
        "is given.",
        0.5,
    ),
    Mistake(
        "whole_as_rest",
        changed(_PARTS, ("whole - along", "whole")),
        "Do your two parts add up to the whole gradient? Your second part is already the whole; the part along the "
        "shortcuts is counted twice.",
        0.5,
    ),
    Mistake(
        "branches_only",
        changed(
            _PARTS,
            ("out = block(out)", "out = block(out) - block.shortcut(out)"),
            ("return along, whole - along", "return along, whole"),
        ),
        "How many ways lead through two blocks? Four: two of them take a shortcut in one block and the branch in the "
        "other. Your rest holds only the way through all branches.",
        0.5,
    ),
    Mistake(
        "last_block_only",
        """
def gradient_parts(blocks, x, gradient):
    x = x.detach().requires_grad_()
    out = x
    for block in blocks:
        before, out = out, block(out)
    (whole,) = torch.autograd.grad(out, x, gradient, retain_graph=True)
    (along,) = torch.autograd.grad(block.shortcut(before), x, gradient)
    return along, whole - along
""",
        "Which ways does the gradient take behind the shortcut of the last block? You let it go on through branches "
        "and shortcuts of the others. Along the shortcuts only means the shortcut in every block.",
        0.4,
    ),
    Mistake(
        "taken_for_the_identity",
        changed(_PARTS, ("short = block.shortcut(short)", "pass")),
        "Is every shortcut the identity? The gradient only comes back unchanged where it is. A projection multiplies "
        "it by its weights.",
        0.4,
    ),
    Mistake(
        "swapped",
        changed(_PARTS, ("return along, whole - along", "return whole - along, along")),
        "Which part comes first? The one along the shortcuts; the numbers are right and stand in the wrong order.",
        0.75,
    ),
)

TASKS = (
    Task(
        "The kind of each shortcut",
        "shortcut_kinds",
        8,
        _kinds_probes,
        _KINDS_MISTAKES,
        (_KINDS, _KINDS_TABLE),
    ),
    Task(
        "The pooled shortcut", "PooledShortcut", 10, _shortcut_probes, _SHORTCUT_MISTAKES, (_SHORTCUT, _SHORTCUT_LISTS)
    ),
    Task("The bottleneck", "PreActBottleneck", 16, _block_probes, _BLOCK_MISTAKES, (_BLOCK, _BLOCK_LOOP)),
    Task("The start as the identity", "zero_start", 8, _start_probes, _START_MISTAKES, (_START, _START_APPLY)),
    Task("The ways of the gradient", "gradient_parts", 8, _parts_probes, _PARTS_MISTAKES, (_PARTS, _PARTS_BACKWARDS)),
)
