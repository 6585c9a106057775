"""Answers to `evaluate`: loss and accuracy on images that the model does not learn from."""

from . import edited

NAME = "evaluate"

EVALUATE = """
def evaluate(model, dataloader, loss_fn):
    loss_sum, correct, samples = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for images, targets in dataloader:
            logits = model(images)
            loss_sum += loss_fn(logits, targets).item() * len(targets)
            correct += (logits.argmax(1) == targets).sum().item()
            samples += len(targets)
    return loss_sum / samples, correct / samples
"""

RIGHT = {
    "sums over the images": EVALUATE,
    "tensors, a decorator, and the mode put back": """
@torch.no_grad()
def evaluate(model, dataloader, loss_fn):
    was_training = model.training
    model.eval()
    losses, hits = [], []
    for images, targets in dataloader:
        logits = model(images)
        losses += [loss_fn(logits, targets)] * len(targets)
        hits.append(logits.softmax(1).max(1).indices == targets)
    model.train(was_training)
    return torch.stack(losses).mean(), torch.cat(hits).float().mean()
""",
    "all logits first, one loss at the end": """
def evaluate(model, dataloader, loss_fn):
    model.eval()
    with torch.inference_mode():
        outputs = [(model(x), y) for x, y in dataloader]
    logits = torch.cat([o for o, _ in outputs])
    targets = torch.cat([y for _, y in outputs])
    return [loss_fn(logits, targets).item(), (logits.argmax(dim=-1) == targets).float().mean().item()]
""",
}

ENDS = "    return loss_sum / samples, correct / samples"
EDITS = {
    "no_eval_mode": [("    model.eval()\n", "    model.train()\n")],
    "gradients_recorded": [("with torch.no_grad()", "with torch.enable_grad()")],
    "per_batch_means": [
        (" * len(targets)", ""),
        ("(logits.argmax(1) == targets).sum()", "(logits.argmax(1) == targets).float().mean()"),
        ("samples += len(targets)", "samples += 1"),
    ],
    "loss_not_weighted": [(" * len(targets)", "")],
    "last_batch_only": [
        ("            logits =", "            loss_sum, correct, samples = 0.0, 0, 0\n            logits =")
    ],
    "accuracy_is_count": [("correct / samples", "correct")],
    "accuracy_in_percent": [("correct / samples", "100 * correct / samples")],
    "swapped": [(ENDS, "    return correct / samples, loss_sum / samples")],
    "loss_only": [(ENDS, "    return loss_sum / samples")],
    "error_instead_of_accuracy": [("correct / samples", "1 - correct / samples")],
    "softmax_before_loss": [("model(images)", "model(images).softmax(1)")],
    "still_learning": [
        ("with torch.no_grad()", "with torch.enable_grad()"),
        (
            "            correct +=",
            "            loss_fn(logits, targets).backward()\n"
            "            with torch.no_grad():\n                for p in model.parameters():\n"
            "                    p -= 0.1 * p.grad\n            correct +=",
        ),
    ],
    "returns_nothing": [(ENDS, "")],
}

WRONG = {hint_id: edited(EVALUATE, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "divided by seven": edited(EVALUATE, ("return loss_sum / samples", "return loss_sum / 7")),
}
