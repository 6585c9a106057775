"""Lesson 03 without basic_block, which has a file of its own."""

import pytest
from checks_helpers import assert_found, assert_verdict, edited, make

from resnet_course import checks
from resnet_course.models import BasicBlock

ZERO = """
    def zero_init_residual(model):
        for module in model.modules():
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
"""
LINE = "nn.init.zeros_(module.bn2.weight)"

ZERO_RIGHT = {
    "nn.init": ZERO,
    "model comes back": ZERO + "        return model\n",
    "no_grad": edited(ZERO, (LINE, "with torch.no_grad(): module.bn2.weight.zero_()")),
    "data": edited(ZERO, (LINE, "module.bn2.weight.data *= 0")),
    "new parameter": edited(ZERO, (LINE, "module.bn2.weight = nn.Parameter(torch.zeros_like(module.bn2.weight))")),
    "by attribute": edited(ZERO, ("isinstance(module, BasicBlock)", "hasattr(module, 'bn2')")),
    "by name": """
        @torch.no_grad()
        def zero_init_residual(model):
            for name, parameter in model.named_parameters():
                if name.endswith("bn2.weight"):
                    parameter.fill_(0.0)
    """,
    "apply": """
        def zero_init_residual(model):
            def visit(module):
                if type(module) is BasicBlock:
                    nn.init.constant_(module.bn2.weight, 0)
            return model.apply(visit)
    """,
}

ZERO_WRONG = {
    "copy_changed": """
        import copy
        def zero_init_residual(model):
            new = copy.deepcopy(model)
            for module in new.modules():
                if isinstance(module, BasicBlock):
                    nn.init.zeros_(module.bn2.weight)
            return new
    """,
    "nothing_changed": edited(ZERO, ("model.modules()", "model.children()")),
    "first_batch_norm": edited(ZERO, ("bn2", "bn1")),
    "both_batch_norms": edited(ZERO, (LINE, LINE + "; nn.init.zeros_(module.bn1.weight)")),
    "bias_for_weight": edited(ZERO, ("bn2.weight", "bn2.bias")),
    "bias_too": edited(ZERO, (LINE, LINE + "; nn.init.zeros_(module.bn2.bias)")),
    "convolution_for_batch_norm": edited(ZERO, ("bn2", "conv2")),
    "ones": edited(ZERO, ("zeros_", "ones_")),
    "projection_too": edited(
        ZERO, (LINE, LINE + "\n                for m in module.shortcut[1:]: nn.init.zeros_(m.weight)")
    ),
    "everywhere": edited(ZERO, ("BasicBlock", "nn.BatchNorm2d"), ("module.bn2.weight", "module.weight")),
    "first_block_only": edited(ZERO, (LINE, LINE + "\n                return model")),
    "last_block_only": """
        def zero_init_residual(model):
            nn.init.zeros_(list(model.layer3)[-1].bn2.weight)
    """,
    "last_of_each_stage": """
        def zero_init_residual(model):
            for stage in model.stages:
                nn.init.zeros_(stage[-1].bn2.weight)
    """,
    "frozen": edited(ZERO, (LINE, LINE + "; module.bn2.weight.requires_grad = False")),
    "no_grad_missing": edited(ZERO, (LINE, "module.bn2.weight *= 0")),
    "number_assigned": edited(ZERO, (LINE, "module.bn2.weight = 0")),
    "tensor_assigned": edited(ZERO, (LINE, "module.bn2.weight = torch.zeros_like(module.bn2.weight)")),
}

SPLIT = """
    def shortcut_gradient(block, x):
        x = x.clone().requires_grad_()
        out = F.relu(block.transform(x) + block.shortcut(x.detach()))
        (through_f,) = torch.autograd.grad(out.sum(), x)
        out = F.relu(block.transform(x.detach()) + block.shortcut(x))
        (through_shortcut,) = torch.autograd.grad(out.sum(), x)
        return through_f, through_shortcut
"""
RETURN = "return through_f, through_shortcut"
BACKWARD = """
    def shortcut_gradient(block, x):
        x = x.detach().requires_grad_()
        F.relu(block.transform(x) + block.shortcut(x).detach()).sum().backward()
        through_f = x.grad.clone()
        F.relu(block.transform(x).detach() + block.shortcut(x)).sum().backward()
        return through_f, x.grad
"""

SPLIT_RIGHT = {
    "autograd.grad": SPLIT,
    "backward with a fresh start": edited(BACKWARD, ("x.grad.clone()", "x.grad.clone(); x.grad = None")),
    "backward and a difference": edited(
        BACKWARD, ("return through_f, x.grad", "return [through_f, x.grad - through_f]")
    ),
    "the rest of the whole": """
        def shortcut_gradient(block, x):
            x = x.detach().requires_grad_()
            whole = torch.autograd.grad(block(x).sum(), x)[0]
            part = torch.autograd.grad(F.relu(block.transform(x).detach() + block.shortcut(x)).sum(), x)[0]
            return whole - part, part
    """,
    "two copies of x": """
        def shortcut_gradient(block, x):
            a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
            out = F.relu(block.transform(a) + block.shortcut(b))
            return torch.autograd.grad(out.sum(), (a, b))
    """,
}

SPLIT_WRONG = {
    "no_relu": edited(SPLIT, ("F.relu(", "(")),
    "own_relus": edited(
        SPLIT,
        ("F.relu(block.transform(x) + block.shortcut(x.detach()))", "F.relu(block.transform(x))"),
        ("F.relu(block.transform(x.detach()) + block.shortcut(x))", "F.relu(block.shortcut(x))"),
    ),
    "zeros_on_the_other_path": edited(SPLIT, ("x.detach()", "torch.zeros_like(x)")),
    "swapped": edited(SPLIT, (RETURN, "return through_shortcut, through_f")),
    "whole_twice": edited(BACKWARD, ("x.grad.clone()", "x.grad")),
    "accumulated": BACKWARD,
    "accumulated_the_other_way": edited(SPLIT, ("block.shortcut(x.detach())", "block.shortcut(x)")),
    "not_split": """
        def shortcut_gradient(block, x):
            x = x.detach().requires_grad_()
            block(x).sum().backward()
            return x.grad
    """,
    "shortcut_only": edited(SPLIT, (RETURN, "return through_shortcut")),
    "norms": edited(SPLIT, (RETURN, "return through_f.norm().item(), through_shortcut.norm().item()")),
    "mean": edited(SPLIT, ("out.sum()", "out.mean()")),
    "no_requires_grad": edited(SPLIT, ("x = x.clone().requires_grad_()", "x = x.clone()")),
    "x_detached_everywhere": edited(SPLIT, ("block.transform(x)", "block.transform(x.detach())")),
    "no_gradient": """
        def shortcut_gradient(block, x):
            block(x.detach()).sum().backward()
            return x.grad, x.grad
    """,
    "returns_none": edited(SPLIT, (RETURN, "")),
}  # fmt: skip

RIGHT = {"zero_init_residual": ZERO_RIGHT, "shortcut_gradient": SPLIT_RIGHT}
WRONG = {"zero_init_residual": ZERO_WRONG, "shortcut_gradient": SPLIT_WRONG}


def pairs(table: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return [(name, key) for name, entries in table.items() for key in entries]


@pytest.mark.parametrize("name", RIGHT)
def test_reference_passes(name: str) -> None:
    assert_verdict(name, checks.EXERCISES[name].reference, "passed")


@pytest.mark.parametrize(("name", "way"), pairs(RIGHT))
def test_right_answers_written_differently_pass(name: str, way: str) -> None:
    assert_verdict(name, make(RIGHT[name][way], name), "passed")


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_is_known_as_itself_and_written_out_above(name: str) -> None:
    mistakes = checks.EXERCISES[name].mistakes
    assert {mistake.id for mistake in mistakes} == set(WRONG[name])
    for mistake in mistakes:
        assert_found(name, mistake.implementation, mistake.id)


@pytest.mark.parametrize(("name", "hint_id"), pairs(WRONG))
def test_each_mistake_as_a_learner_writes_it(name: str, hint_id: str) -> None:
    assert_found(name, make(WRONG[name][hint_id], name), hint_id)


@pytest.mark.parametrize("name", RIGHT)
def test_a_stub_is_not_written_yet(name: str) -> None:
    stub = f"def {name}(*arguments):\n    raise NotImplementedError"
    assert_verdict(name, make(stub, name), "not_written")


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("thing", [None, 3, "text", BasicBlock])
def test_other_things_are_reported(name: str, thing: object) -> None:
    assert checks.verdict(name, thing).status in ("crashed", "failed")


@pytest.mark.parametrize("name", RIGHT)
def test_an_answer_that_raises_is_reported(name: str) -> None:
    assert_verdict(name, make(f"def {name}(*arguments):\n    return {{}}['no key']", name), "crashed", "unknown")


def test_unknown_mistakes_are_admitted() -> None:
    half = edited(ZERO, (LINE, "nn.init.constant_(module.bn2.weight, 0.5)"))
    assert_verdict("zero_init_residual", make(half, "zero_init_residual"), "failed", "unknown")
    doubled = edited(SPLIT, (RETURN, "return 2 * through_f, through_shortcut"))
    assert_verdict("shortcut_gradient", make(doubled, "shortcut_gradient"), "failed", "unknown")
