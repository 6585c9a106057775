"""Answers to `shortcut_gradient`: the gradient's two ways through a block."""

from . import edited

NAME = "shortcut_gradient"

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

RIGHT = {
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

WRONG = {
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

UNKNOWN = {
    "one part doubled": edited(SPLIT, (RETURN, "return 2 * through_f, through_shortcut")),
}
