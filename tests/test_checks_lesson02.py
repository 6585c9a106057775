"""The exercises of lesson 02: right answers in several styles, and every known mistake as a learner would type it."""

import pytest
from checks_helpers import assert_found, assert_verdict, edited, make

from resnet_course import checks

PLAIN_BLOCK = """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return out
"""

EXTEND = """
import math

def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))
    return nn.Sequential(*stage, *blocks)
"""

NORMS = """
def gradient_norms(model, images, targets):
    model.zero_grad()
    loss = F.cross_entropy(model(images), targets)
    loss.backward()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]
"""

SOURCES = {"plain_block": PLAIN_BLOCK, "extend_with_identity": EXTEND, "gradient_norms": NORMS}
OBJECTS = {"plain_block": "PlainBlock"}

RIGHT = {
    "plain_block": [
        PLAIN_BLOCK,
        # one Sequential, in-place ReLUs
        """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True),
            nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.layers(x)
""",
        # a function that returns a Sequential
        """
def PlainBlock(in_planes, planes, stride=1):
    def half(i, o, s):
        return [nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*half(in_planes, planes, stride), *half(planes, planes, 1))

PlainBlock.expansion = 1
""",
        # other names, declared in another order
        """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.second_norm = nn.BatchNorm2d(planes)
        self.second = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(planes)
        self.first = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)

    def forward(self, x):
        x = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(x)))
""",
        # ModuleList, clamp in place of relu
        """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False),
                                    nn.Conv2d(planes, planes, 3, 1, 1, bias=False)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).clamp(min=0)
        return x
""",
    ],
    "extend_with_identity": [
        EXTEND,
        # by hand, without dirac_
        """
def extend_with_identity(stage, planes, count):
    longer = list(stage)
    for _ in range(count):
        block = PlainBlock(planes, planes)
        with torch.no_grad():
            for conv in (block.conv1, block.conv2):
                conv.weight.zero_()
                for channel in range(planes):
                    conv.weight[channel, channel, 1, 1] = 1
            for norm in (block.bn1, block.bn2):
                norm.weight.fill_((1 + norm.eps) ** 0.5)
        longer.append(block)
    return nn.Sequential(*longer)
""",
        # the stored variance set to 1 - eps in place of the weight
        """
def extend_with_identity(stage, planes, count):
    blocks = [PlainBlock(planes, planes) for _ in range(count)]
    for block in blocks:
        for conv, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
            nn.init.dirac_(conv.weight)
            norm.running_var.fill_(1 - norm.eps)
    return nn.Sequential(*(list(stage) + blocks))
""",
    ],
    "gradient_norms": [
        NORMS,
        # autograd.grad, no .grad touched
        """
def gradient_norms(model, images, targets):
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
    loss = nn.CrossEntropyLoss()(model(images), targets)
    gradients = torch.autograd.grad(loss, weights)
    return [float(g.norm() / w.norm()) for g, w in zip(gradients, weights)]
""",
        # tensors in a list, norm written out
        """
def gradient_norms(model, images, targets):
    for p in model.parameters():
        p.grad = None
    F.cross_entropy(model(images), targets).backward()
    result = []
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            result.append((m.weight.grad.square().sum() / m.weight.square().sum()).sqrt())
    return result
""",
    ],
}

WRONG = {
    "plain_block": {
        "no_relu_between": [("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")],
        "no_final_relu": [("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")],
        "stride_on_both": [("planes, planes, 3, padding=1", "planes, planes, 3, stride=stride, padding=1")],
        "stride_forgotten": [("stride=stride, ", "")],
        "bias_left_on": [(", bias=False", "")],
        "no_expansion": [("    expansion = 1\n", "")],
        "no_batch_norm": [("nn.BatchNorm2d(planes)", "nn.Identity()")],
        "shared_batch_norm": [("self.bn2(self", "self.bn1(self"), ("        self.bn2 = nn.BatchNorm2d(planes)\n", "")],
        "with_shortcut": [
            ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))"),
            ("        return out", "        return F.relu(out + x) if out.shape == x.shape else F.relu(out)"),
        ],
    },
    "extend_with_identity": {
        "nothing_appended": [("nn.Sequential(*stage, *blocks)", "nn.Sequential(*stage)")],
        "all_zero": [("nn.init.dirac_(conv.weight)", "nn.init.zeros_(conv.weight)")],
        "all_ones": [("nn.init.dirac_(conv.weight)", "nn.init.ones_(conv.weight)")],
        "one_convolution_only": [
            ("((block.conv1, block.bn1), (block.conv2, block.bn2))", "((block.conv1, block.bn1),)")
        ],
        "random_weights": [("            nn.init.dirac_(conv.weight)\n", "")],
        "epsilon_forgotten": [("            nn.init.constant_(norm.weight, math.sqrt(1 + norm.eps))\n", "")],
        "sign_of_epsilon": [("1 + norm.eps", "1 - norm.eps")],
        "one_block_too_few": [("range(count)", "range(count - 1)")],
        "in_front": [("(*stage, *blocks)", "(*blocks, *stage)")],
        "old_blocks_changed": [("for block in blocks", "for block in [*stage, *blocks]")],
    },
    "gradient_norms": {
        "not_relative": [(" / c.weight.norm()", "")],
        "weight_instead_of_gradient": [("(c.weight.grad.norm() / c.weight.norm())", "c.weight.norm()")],
        "old_gradients_added": [("    model.zero_grad()\n", "")],
        "all_parameters": [
            ("(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions",
             "(p.grad.norm() / p.norm()).item() for p in model.parameters()"),
        ],
        "reversed": [("for c in convolutions", "for c in reversed(convolutions)")],
        "squared": [(".item()", ".item() ** 2")],
        "upside_down": [("c.weight.grad.norm() / c.weight.norm()", "c.weight.norm() / c.weight.grad.norm()")],
        "in_eval_mode": [("    model.zero_grad()\n", "    model.zero_grad()\n    model.eval()\n")],
        "loss_summed": [("targets)\n    loss", "targets, reduction='sum')\n    loss")],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), [(name, i) for name in RIGHT for i in range(len(RIGHT[name]))])
def test_right_answers_pass(name, number):
    assert_verdict(name, make(RIGHT[name][number], OBJECTS.get(name, name)), "passed")


@pytest.mark.parametrize(("name", "hint_id"), [(name, hint_id) for name in WRONG for hint_id in WRONG[name]])
def test_every_mistake_as_typed_gets_its_own_hint(name, hint_id):
    source = edited(SOURCES[name], *WRONG[name][hint_id])
    assert_found(name, make(source, OBJECTS.get(name, name)), hint_id)


@pytest.mark.parametrize("name", WRONG)
def test_the_table_and_the_typed_mistakes_are_the_same(name):
    assert set(WRONG[name]) == {mistake.id for mistake in checks.EXERCISES[name].mistakes}


def stub(*arguments, **options):
    raise NotImplementedError


def broken(*arguments, **options):
    raise KeyError("planes")


@pytest.mark.parametrize("name", WRONG)
def test_stubs_and_strange_objects_are_reported(name):
    assert_verdict(name, stub, "not_written")
    for strange in (None, 3, "text", broken, lambda *arguments: None, lambda: 1):
        assert checks.verdict(name, strange).status in ("failed", "crashed")


def test_an_unknown_mistake_is_admitted():
    answer = make(edited(PLAIN_BLOCK, ("F.relu(self.bn1", "torch.tanh(self.bn1")), "PlainBlock")
    assert_verdict("plain_block", answer, "failed", "unknown")
