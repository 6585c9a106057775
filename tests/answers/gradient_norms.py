"""Answers to `gradient_norms`: gradient against weight, by convolution."""

from . import edited

NAME = "gradient_norms"

NORMS = """
def gradient_norms(model, images, targets):
    model.zero_grad()
    loss = F.cross_entropy(model(images), targets)
    loss.backward()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    return [(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions]
"""

RIGHT = {
    "backward": NORMS,
    "autograd.grad, no .grad touched": """
def gradient_norms(model, images, targets):
    weights = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
    loss = nn.CrossEntropyLoss()(model(images), targets)
    gradients = torch.autograd.grad(loss, weights)
    return [float(g.norm() / w.norm()) for g, w in zip(gradients, weights)]
""",
    "tensors in a list, norm written out": """
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
}

EDITS = {
    "not_relative": [(" / c.weight.norm()", "")],
    "weight_instead_of_gradient": [("(c.weight.grad.norm() / c.weight.norm())", "c.weight.norm()")],
    "old_gradients_added": [("    model.zero_grad()\n", "")],
    "all_parameters": [
        (
            "(c.weight.grad.norm() / c.weight.norm()).item() for c in convolutions",
            "(p.grad.norm() / p.norm()).item() for p in model.parameters()",
        ),
    ],
    "reversed": [("for c in convolutions", "for c in reversed(convolutions)")],
    "squared": [(".item()", ".item() ** 2")],
    "upside_down": [("c.weight.grad.norm() / c.weight.norm()", "c.weight.norm() / c.weight.grad.norm()")],
    "in_eval_mode": [("    model.zero_grad()\n", "    model.zero_grad()\n    model.eval()\n")],
    "loss_summed": [("targets)\n    loss", "targets, reduction='sum')\n    loss")],
}

WRONG = {hint_id: edited(NORMS, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "largest entries": edited(NORMS, (".norm()", ".abs().max()")),
}
