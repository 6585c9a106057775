"""Answers to `checkpoint`: save a training and go on with it."""

from . import edited

NAME = "pair"

CHECKPOINT = """
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)

def load_checkpoint(path, model, optimizer):
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]

pair = (save_checkpoint, load_checkpoint)
"""

RIGHT = {
    "a dict in the file": CHECKPOINT,
    "a list in the file": """
def save(path, model, optimizer, epoch):
    torch.save([epoch, model.state_dict(), optimizer.state_dict()], str(path))

def load(path, model, optimizer):
    epoch, weights, memory = torch.load(str(path), weights_only=True, map_location="cpu")
    model.load_state_dict(weights)
    optimizer.load_state_dict(memory)
    return int(epoch)

pair = [save, load]
""",
    "through an open file": """
def save_checkpoint(path, model, optimizer, epoch):
    state = dict(epoch=epoch, weights=model.state_dict(), adam=optimizer.state_dict())
    with open(path, "wb") as file:
        torch.save(state, file)

def load_checkpoint(path, model, optimizer):
    with open(path, "rb") as file:
        state = torch.load(file, weights_only=True)
    optimizer.load_state_dict(state["adam"])
    model.load_state_dict(state["weights"])
    return state["epoch"]

pair = (save_checkpoint, load_checkpoint)
""",
}

RETURN = '    return state["epoch"]'
EDITS = {
    "optimizer_forgotten": [
        (', "optimizer": optimizer.state_dict()', ""),
        ('    optimizer.load_state_dict(state["optimizer"])\n', ""),
    ],
    "optimizer_not_loaded": [('    optimizer.load_state_dict(state["optimizer"])\n', "")],
    "whole_model_saved": [
        ('"model": model.state_dict()', '"model": model'),
        ("weights_only=True", "weights_only=False"),
        ('state["model"]', 'state["model"].state_dict()'),
    ],
    "code_allowed": [("weights_only=True", "weights_only=False")],
    "weights_not_loaded": [('    model.load_state_dict(state["model"])\n', "")],
    "nothing_loaded": [
        ('    model.load_state_dict(state["model"])\n', ""),
        ('    optimizer.load_state_dict(state["optimizer"])\n', ""),
    ],
    "epoch_not_returned": [(RETURN, "")],
    "epoch_off_by_one": [(RETURN, RETURN + " + 1")],
    "state_returned": [(RETURN, "    return state")],
    "nothing_saved": [("    torch.save({", "    return ({")],
}

WRONG = {hint_id: edited(CHECKPOINT, *edits) for hint_id, edits in EDITS.items()}

UNKNOWN = {
    "another learning rate": edited(CHECKPOINT, (RETURN, "    optimizer.param_groups[0]['lr'] = 0.01\n" + RETURN)),
    "weights halved": edited(CHECKPOINT, (RETURN, "    for p in model.parameters(): p.data /= 2\n" + RETURN)),
}
