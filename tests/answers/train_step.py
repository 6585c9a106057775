"""Answers to `train_step`: one epoch of training."""

from . import edited

NAME = "train_step"

STEP = """
    def train_step(model, dataloader, loss_fn, optimizer):
        model.train()
        loss_sum, correct, count = 0.0, 0, 0
        for images, targets in dataloader:
            optimizer.zero_grad()
            logits = model(images)
            loss = loss_fn(logits, targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(images)
            correct += (logits.argmax(dim=1) == targets).sum().item()
            count += len(images)
        return loss_sum / count, correct / count
"""

MEANS = """
    def train_step(model, dataloader, loss_fn, optimizer):
        train_loss, train_acc = 0, 0
        model.train()
        for batch, (X, y) in enumerate(dataloader):
            y_pred = model(X)
            loss = loss_fn(y_pred, y)
            train_loss += loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            y_pred_class = torch.argmax(torch.softmax(y_pred, dim=1), dim=1)
            train_acc += (y_pred_class == y).sum().item() / len(y_pred)
        train_loss = train_loss / len(dataloader)
        train_acc = train_acc / len(dataloader)
        return train_loss, train_acc
"""

RIGHT = {
    "in the book's order": STEP,
    "gradients cleared at the end": edited(
        STEP,
        ("            optimizer.zero_grad()\n", ""),
        ("optimizer.step()", "optimizer.step(); optimizer.zero_grad()"),
    ),
    "gradients cleared between forward and backward, by the model": """
        def train_step(model, dataloader, loss_fn, optimizer):
            model = model.train()
            device = next(model.parameters()).device
            losses, hits = [], []
            for x, y in dataloader:
                x, y = x.to(device), y.to(device)
                out = model(x)
                loss = loss_fn(out, y)
                model.zero_grad(set_to_none=False)
                loss.backward()
                optimizer.step()
                losses.extend([loss.item()] * len(y))
                hits.extend((out.argmax(1) == y).tolist())
            return sum(losses) / len(losses), sum(hits) / len(hits)
    """,
    "numbers as tensors without a graph": """
        def train_step(model, dataloader, loss_fn, optimizer):
            model.train()
            total = torch.zeros(2)
            for x, y in dataloader:
                optimizer.zero_grad()
                out = model(x)
                loss = loss_fn(out, y)
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    total += torch.stack([loss * len(y), (out.max(dim=1).indices == y).float().sum()])
            loss, accuracy = total / len(dataloader.dataset)
            return loss, accuracy
    """,
    "a list in place of a tuple": edited(
        STEP, ("return loss_sum / count, correct / count", "return [loss_sum / count, correct / count]")
    ),
}

LOSS_ONLY = "train_loss += loss.item()"
ACCURACY_ONLY = "train_acc += (y_pred_class == y).sum().item() / len(y_pred)"

WRONG = {
    "no_zero_grad": edited(STEP, ("            optimizer.zero_grad()\n", "")),
    "zero_grad_once": """
        def train_step(model, dataloader, loss_fn, optimizer):
            model.train()
            optimizer.zero_grad()
            loss_sum, correct, count = 0.0, 0, 0
            for images, targets in dataloader:
                logits = model(images)
                loss = loss_fn(logits, targets)
                loss.backward()
                optimizer.step()
                loss_sum += loss.item() * len(images)
                correct += (logits.argmax(dim=1) == targets).sum().item()
                count += len(images)
            return loss_sum / count, correct / count
    """,
    "zero_grad_before_step": edited(
        STEP,
        ("            optimizer.zero_grad()\n", ""),
        ("optimizer.step()", "optimizer.zero_grad(); optimizer.step()"),
    ),
    "step_before_backward": edited(
        STEP, ("loss.backward()", "BACK"), ("optimizer.step()", "loss.backward()"), ("BACK", "optimizer.step()")
    ),
    "no_backward": edited(STEP, ("            loss.backward()\n", "")),
    "no_step": edited(STEP, ("            optimizer.step()\n", "")),
    "one_step_an_epoch": """
        def train_step(model, dataloader, loss_fn, optimizer):
            model.train()
            optimizer.zero_grad()
            loss_sum, correct, count = 0.0, 0, 0
            for images, targets in dataloader:
                logits = model(images)
                loss = loss_fn(logits, targets)
                loss.backward()
                loss_sum += loss.item() * len(images)
                correct += (logits.argmax(dim=1) == targets).sum().item()
                count += len(images)
            optimizer.step()
            return loss_sum / count, correct / count
    """,
    "one_batch_only": edited(STEP, ("        return loss_sum", "            return loss_sum")),
    "eval_mode": edited(STEP, ("model.train()", "model.eval()")),
    "mode_not_set": edited(STEP, ("        model.train()\n", "")),
    "softmax_before_loss": edited(STEP, ("loss_fn(logits, targets)", "loss_fn(torch.softmax(logits, dim=1), targets)")),
    "loss_fn_ignored": edited(STEP, ("loss_fn(logits, targets)", "F.cross_entropy(logits, targets)")),
    "no_grad": edited(STEP, ("logits = model(images)", "with torch.no_grad(): logits = model(images)")),
    "batch_means": MEANS,
    "batch_mean_of_loss": edited(
        MEANS,
        (ACCURACY_ONLY, "train_acc += (y_pred_class == y).sum().item()"),
        ("train_acc / len(dataloader)", "train_acc / len(dataloader.dataset)"),
    ),
    "batch_mean_of_accuracy": edited(
        MEANS,
        (LOSS_ONLY, "train_loss += loss.item() * len(X)"),
        ("train_loss / len(dataloader)", "train_loss / len(dataloader.dataset)"),
    ),
    "loss_of_means_by_images": edited(STEP, ("loss.item() * len(images)", "loss.item()")),
    "last_batch_only": edited(STEP, ("+=", "=")),
    "loss_not_averaged": edited(STEP, ("loss_sum / count", "loss_sum")),
    "accuracy_as_count": edited(STEP, ("correct / count", "correct")),
    "accuracy_in_percent": edited(STEP, ("correct / count", "100.0 * correct / count")),
    "argmax_over_images": edited(STEP, ("dim=1", "dim=0")),
    "swapped": edited(STEP, ("loss_sum / count, correct / count", "correct / count, loss_sum / count")),
    "loss_alone": edited(STEP, ("loss_sum / count, correct / count", "loss_sum / count")),
    "loss_holds_graph": edited(STEP, ("loss.item()", "loss")),
    "returns_none": edited(STEP, ("return loss_sum", "print(loss_sum"), ("correct / count", "correct / count)")),
}

UNKNOWN = {
    "uphill": edited(STEP, ("loss.backward()", "(-loss).backward()")),
}

CRASHING = {
    "a name that is not there": edited(STEP, ("count += len(images)", "count += length")),
}
