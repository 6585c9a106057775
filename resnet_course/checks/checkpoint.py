"""Lesson 09 · `checkpoint`: what a training needs to go on.

Seen by itself: what is in the file, what of it comes back into another model and optimizer, and what load gives back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.files import Code, own_folder, runs_code
from resnet_course.checking.modules import SEED, WrongKindError
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import as_number, equal, shown

PATH = Path("state.pt")
EPOCH, LATER, RATE = 7, 12, 0.05
PARTS = ("the weights", "the stored statistics of the batch norm", "the memory of the optimizer")


def make(learning_rate: float, steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A model and its optimizer after a few steps."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(steps):
        step(model, optimizer)
    return model, optimizer


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """One step of a training."""
    x = torch.linspace(-1, 1, 15).view(5, 3)
    model.train()
    optimizer.zero_grad()
    F.cross_entropy(model(x), torch.tensor([0, 1, 1, 0, 1])).backward()
    optimizer.step()


def parts_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[list[Tensor]]:
    """Copies of the tensors of `PARTS`."""
    memory = [optimizer.state.get(parameter, {}).get("exp_avg") for parameter in model.parameters()]
    kept = (list(model.parameters()), [model[1].running_mean, model[1].running_var], memory)
    return [[tensor.detach().clone() for tensor in part if tensor is not None] for part in kept]


def everything_in(content: Any) -> Iterator[Any]:
    """All values in lists and dicts within each other."""
    if isinstance(content, Mapping):
        content = list(content.values())
    if isinstance(content, (list, tuple)):
        for item in content:
            yield from everything_in(item)
    else:
        yield content


def _file_in_words(content: Any) -> str:
    """What else than data is in a file."""
    for value in everything_in(content):
        if isinstance(value, nn.Module):
            return "the model itself, an object"
        if isinstance(value, torch.optim.Optimizer):
            return "the optimizer itself, an object"
        if callable(value):
            return "a method that was not called"
    return "objects"


def _read() -> tuple[str, Any]:
    try:
        return "data only", torch.load(PATH, weights_only=True)
    except Exception:  # torch raises many kinds
        try:
            content = torch.load(PATH, weights_only=False)  # which the answer has written a moment ago
        except Exception:
            return "something that torch.load cannot read", None
        return _file_in_words(content), None


def _holds(content: Any, kept: list[list[Tensor]]) -> list[bool]:
    values = list(everything_in(content))
    tensors = [value for value in values if isinstance(value, Tensor)]
    return [all(any(equal(tensor, other) for other in tensors) for tensor in part) for part in kept]


def _loaded_in_words(now: list[Tensor], kept: list[Tensor], before: list[Tensor]) -> str:
    for words, other in (("those that were saved", kept), ("as before loading", before)):
        if len(now) == len(other) and all(map(equal, now, other)):
            return words
    return "others"


def _result_in_words(result: Any) -> Any:
    number = as_number(result)
    if number is None or isinstance(number, (int, float, str)):
        return number
    return f"a {type(result).__name__}" + (f" of {len(result)}" if isinstance(result, (tuple, list)) else "")


def observe(answer: Any) -> Iterator[Seen]:
    """Save after three steps, look into the file, and load into a model and an optimizer after one step."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not all(map(callable, answer)):
        raise WrongKindError(f"the two functions are needed, (save_checkpoint, load_checkpoint), not {shown(answer)}")
    parts: list[Seen] = []
    error: Exception | None = None
    with own_folder():  # left before anything is handed on
        try:
            parts += _look(*answer, parts)
        except Exception as raised:
            error = raised
    yield from parts
    if error is not None:
        raise error


def _look(save: Any, load: Any, parts: list[Seen]) -> list[Seen]:
    """Parts are added to the list as they are seen; what is seen last is returned."""
    torch.manual_seed(SEED)
    model, optimizer = make(RATE, steps=3)
    save(PATH, model, optimizer, EPOCH)
    parts.append(Seen("a file at the path that was handed over", PATH.is_file()))
    parts.append(Seen("a file at another place", any(path != PATH for path in Path().rglob("*"))))
    kept, holds, words = parts_of(model, optimizer), [True] * len(PARTS), "data only"
    if PATH.is_file():
        words, content = _read()
        parts.append(Seen("what the file holds", words))
        if words == "data only":
            holds = _holds(content, kept)
            for part, held in zip(PARTS, holds, strict=True):
                parts.append(Seen(f"in the file, {part}", "all there" if held else "missing"))
    before_loading = PATH.read_bytes() if PATH.is_file() else b""
    step(model, optimizer)  # the run that was not interrupted
    other, other_optimizer = make(0.01, steps=1)
    before = parts_of(other, other_optimizer)
    try:
        result = load(PATH, other, other_optimizer)
    except Exception as error:
        if all(holds) and words == "data only":
            raise
        return [Seen("load_checkpoint", f"an error ({type(error).__name__})", explains=False)]
    changed = PATH.is_file() and PATH.read_bytes() != before_loading
    parts.append(Seen("load_checkpoint: a change of the file", changed))
    loaded = parts_of(other, other_optimizer)
    for number, part in enumerate(PARTS):
        found = _loaded_in_words(loaded[number], kept[number], before[number])
        explains = holds[number] and not changed  # no wonder if the file lacks them
        parts.append(Seen(f"after loading, {part}", found, explains=explains))
    rate = other_optimizer.param_groups[0]["lr"]
    parts.append(Seen("after loading, the learning rate of the optimizer", rate, explains=holds[-1] and not changed))
    step(other, other_optimizer)
    difference = max((a - b).abs().max().item() for a, b in zip(other.parameters(), model.parameters(), strict=True))
    parts.append(Seen("the next step: its difference from the run without a break", difference, explains=False))
    save(PATH, model, optimizer, LATER)
    later = load(PATH, *make(RATE, steps=0))
    for epoch, given in ((EPOCH, result), (LATER, later)):
        what = f"what load_checkpoint gives back for epoch {epoch}"
        parts.append(Seen(what, _result_in_words(given), explains=not changed))
    code = runs_code(lambda: load(PATH, *make(RATE, steps=0)), PATH, {"model": Code(), "optimizer": {}, "epoch": 0})
    return [Seen("when a file is loaded, code in it is run", code, explains=words == "data only")]


ANSWER = """
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)

def load_checkpoint(path, model, optimizer):
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]
"""
# fmt: off
WRONG = [
    Wrong("optimizer_forgotten", [
              (', "optimizer": optimizer.state_dict()', ""),
              ('    optimizer.load_state_dict(state["optimizer"])\n', "")],
          ask="What does Adam remember from step to step?",
          explain="Adam remembers running means of the gradients and of their squares. They are not in the file, so "
                  "it starts anew after the break, and the next step is not the one that would have been made. The "
                  "optimizer has a state dict, too."),
    Wrong("optimizer_not_loaded", [('    optimizer.load_state_dict(state["optimizer"])\n', "")],
          ask="What does the optimizer remember after load_checkpoint?",
          explain="The optimizer's state is in the file, but it is not put back. The next step is then another one "
                  "than without the break."),
    Wrong("model_state_for_optimizer", [
              ('optimizer.load_state_dict(state["optimizer"])', 'optimizer.load_state_dict(state["model"])')],
          ask="Whose state does the optimizer get?",
          explain="The optimizer gets the state dict of the model, which has no 'param_groups'. Each gets its own "
                  "back, the one that was saved under its name."),
    Wrong("whole_model_saved", [
              ('"model": model.state_dict()', '"model": model'),
              ("weights_only=True", "weights_only=False"),
              ('state["model"]', 'state["model"].state_dict()')],
          ask="What is written to the file, tensors or an object?",
          explain="The model itself is written to the file. To read it, its class must be found and built, which "
                  "weights_only=True refuses, because building any class may run code. A state dict holds tensors "
                  "and names only."),
    Wrong("code_allowed", [("weights_only=True", "weights_only=False")],
          ask="What may a file do while it is loaded?",
          explain="With weights_only=False a file may run code while it is loaded: a checkpoint from somebody else "
                  "could delete your files. Yours holds data only, so it can be loaded with code forbidden."),
    Wrong("weights_not_loaded", [('    model.load_state_dict(state["model"])\n', "")],
          ask="Which weights does the model have after load_checkpoint?",
          explain="The model has the same weights as before: the optimizer gets its state, the model does not. Both "
                  "are in the file, and both have to be put back."),
    Wrong("nothing_loaded", [
              ('    model.load_state_dict(state["model"])\n', ""),
              ('    optimizer.load_state_dict(state["optimizer"])\n', "")],
          ask="What happens to the two states that load_checkpoint reads?",
          explain="Both states are read and dropped: only the epoch is used, and model and optimizer stay as they "
                  "were. Each has to get its own state back."),
    Wrong("epoch_not_returned", [('    return state["epoch"]', "")],
          ask="What does load_checkpoint give back?",
          explain="load_checkpoint gives None, so the training loop does not know where to go on. The saved epoch is "
                  "asked for."),
    Wrong("epoch_off_by_one", [('    return state["epoch"]', '    return state["epoch"] + 1')],
          ask="Which number comes back after saving epoch 7?",
          explain="After saving epoch 7, 8 comes back. What was saved is asked for; the caller decides what comes "
                  "next, and would otherwise leave out an epoch."),
    Wrong("state_returned", [('    return state["epoch"]', "    return state")],
          ask="What kind of object does load_checkpoint give back?",
          explain="The whole dict from the file comes back. Model and optimizer have their states by then; only the "
                  "epoch is asked for."),
    Wrong("nothing_saved", [("    torch.save({", "    return ({")],
          ask="What is at the path after save_checkpoint?",
          explain="There is no file at the path: the state is perhaps collected, but not written. torch.save does "
                  "that."),
    Wrong("optimizer_object_saved", [
              ("optimizer.state_dict(), ", "optimizer, "),
              ("weights_only=True", "weights_only=False"),
              ('state["optimizer"]', 'state["optimizer"].state_dict()')],
          ask="What is written to the file for the optimizer, tensors or an object?",
          explain="The optimizer itself is written to the file. To read it, its class must be found and built, which "
                  "weights_only=True refuses, because building any class may run code. Its state_dict() is data."),
    Wrong("parameters_only", [
              ("model.state_dict()", "dict(model.named_parameters())"),
              ('load_state_dict(state["model"])', 'load_state_dict(state["model"], strict=False)')],
          ask="Which of the model's tensors are missing in the file?",
          explain="The file lacks batch norm's running mean and variance. They are no parameters, since no gradient "
                  "changes them, but eval mode needs them. A state dict has both kinds."),
    Wrong("two_files", [
              (', "optimizer": optimizer.state_dict()', ""),
              ("epoch}, path)", "epoch}, path); torch.save(optimizer.state_dict(), str(path) + '.adam')"),
              ('state["optimizer"]', "torch.load(str(path) + '.adam')")],
          ask="How many files does a checkpoint consist of?",
          explain="The state is spread over several files. If one of them is lost, or older than the other, the "
                  "training does not go on where it was. The text asks for one file."),
    Wrong("another_path", [("epoch}, path)", 'epoch}, "last.pt")'), ("torch.load(path", 'torch.load("last.pt"')],
          ask="Under which name is the file written?",
          explain="The file is not written to the path that was handed over, but under a fixed name, or one made from "
                  "it. Whoever asks for a checkpoint at a path must find it there."),
    Wrong("not_at_the_path", [
              ("torch.save({", "import copy; KEPT[str(path)] = copy.deepcopy({"), ("}, path)", "})"),
              ("torch.load(path, weights_only=True)", "KEPT[str(path)]"),
              ("def save_checkpoint", "KEPT = {}\ndef save_checkpoint")],
          ask="Where is the state, if there is no file at the path that was handed over?",
          explain="load_checkpoint finds what was saved, but not at the path: it is in a variable, which is lost with "
                  "the kernel, or in a file that has a fixed name. Write to the path that was handed over."),
    Wrong("saved_over", [
              ('torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)',
               "for part in (model.state_dict(), optimizer.state_dict(), epoch): torch.save(part, path)")],
          ask="What is left of the first torch.save after the second one to the same path?",
          explain="Neither the weights nor the memory of the optimizer are in the file. Each torch.save replaces the "
                  "whole file, so all that is kept has to go into one call, in a dict, for example."),
    Wrong("weights_forgotten", [
              ('"model": model.state_dict(), ', ""), ('    model.load_state_dict(state["model"])\n', "")],
          ask="Are the weights of the model in the file?",
          explain="The file has no weights of the model: they were left out, or a second torch.save to the same path "
                  "has replaced them. Put all three things into one dict, and save that once."),
    Wrong("saves_while_loading", [
              ("    state = torch.load", "    save_checkpoint(path, model, optimizer, 0)\n    state = torch.load")],
          ask="What does load_checkpoint write?",
          explain="load_checkpoint writes to the file, so what was saved there is replaced by the state of the new, "
                  "untrained model. Loading only reads."),
    Wrong("state_dict_not_called", [
              ("model.state_dict()", "model.state_dict"), ("weights_only=True", "weights_only=False"),
              ('state["model"]', 'state["model"]()')],
          ask="Is it the result of state_dict that goes into the file, or the method?",
          explain="A method that was not called is in the file, and with it the whole object that it belongs to. "
                  "Brackets call it: model.state_dict()."),
    Wrong("settings_not_loaded", [
              ('optimizer.load_state_dict(state["optimizer"])',
               'optimizer.load_state_dict({**optimizer.state_dict(), "state": state["optimizer"]["state"]})')],
          ask="With which learning rate does the training go on?",
          explain="The optimizer gets its running means back, and not its settings, such as the learning rate, which "
                  "may have been changed during the training. load_state_dict takes the whole state dict."),
    Wrong("memory_not_loaded", [
              ('optimizer.load_state_dict(state["optimizer"])',
               'optimizer.param_groups[0]["lr"] = state["optimizer"]["param_groups"][0]["lr"]')],
          ask="What does Adam remember from step to step, beside its learning rate?",
          explain="The settings of the optimizer come back, and not its running means of the gradients. The next step "
                  "is then another one than without the break. load_state_dict takes the whole state dict."),
    Wrong("epoch_always_zero", [('return state["epoch"]', "return 0")],
          ask="Which number comes back after saving epoch 7, and which after epoch 12?",
          explain="The same number comes back whatever was saved, so the training would begin again at that epoch. The "
                  "epoch belongs into the file, and what load_checkpoint gives back comes from there."),
    Wrong("epoch_as_text", [('"epoch": epoch', '"epoch": str(epoch)')],
          ask="Which kind of object comes back for epoch 7?",
          explain="The epoch comes back as text, and `'7' + 1` is an error. Save the number itself, or turn the text "
                  "back into one with int()."),
    Wrong("all_returned", [('return state["epoch"]', 'return model, optimizer, state["epoch"]')],
          ask="How many values does load_checkpoint give back?",
          explain="The model and the optimizer come back beside the epoch. They have been changed in place, so the "
                  "caller has them already; only the epoch is asked for."),
    Wrong("model_and_epoch_returned", [('return state["epoch"]', 'return model, state["epoch"]')],
          ask="How many values does load_checkpoint give back?",
          explain="Two values come back where the epoch alone is asked for. The model was changed in place, so the "
                  "caller has it already."),
    Wrong("model_returned", [('return state["epoch"]', "return model")],
          ask="What kind of object does load_checkpoint give back?",
          explain="The model comes back. It was changed in place, so the caller has it already; the saved epoch is "
                  "asked for."),
    Wrong("pickle_used", [
              ("    torch.save({", "    import pickle; pickle.dump({"), ("}, path)", '}, open(path, "wb"))'),
              ("torch.load(path, weights_only=True)", '__import__("pickle").load(open(path, "rb"))')],
          ask="What may a pickle do while it is loaded?",
          explain="The file is a plain pickle: pickle.load runs whatever code stands in it, and torch.load with "
                  "weights_only=True does not read it. torch.save and torch.load are asked for."),
]
# fmt: on

EXERCISE = Exercise(
    "checkpoint",
    lesson="09",
    defines="(save_checkpoint, load_checkpoint)",
    observe=observe,
    start="Write down the three things that have to be kept, and give each a name in one dict: model and optimizer "
    "both have a state_dict(). torch.save writes the dict to a file. For loading, go through the same three names: "
    "what happens to each of them?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "a list in the file": """
def save(path, model, optimizer, epoch):
    torch.save([epoch, model.state_dict(), optimizer.state_dict()], str(path))

def load(path, model, optimizer):
    epoch, weights, memory = torch.load(str(path), weights_only=True, map_location="cpu")
    model.load_state_dict(weights)
    optimizer.load_state_dict(memory)
    return int(epoch)

save_checkpoint, load_checkpoint = save, load
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
""",
        "written whole or not at all": """
import os

def save_checkpoint(path, model, optimizer, epoch):
    partial = str(path) + ".part"
    torch.save((model.state_dict(), optimizer.state_dict(), torch.tensor(epoch)), partial)
    os.replace(partial, path)

def load_checkpoint(path, model, optimizer):
    weights, memory, epoch = torch.load(path)
    model.load_state_dict(weights)
    optimizer.load_state_dict(memory)
    return epoch.item()
""",
        "one flat dict": """
def save_checkpoint(path, model, optimizer, epoch):
    flat = {f"model.{name}": tensor.cpu() for name, tensor in model.state_dict().items()}
    torch.save({**flat, "optimizer": optimizer.state_dict(), "epoch": epoch}, path)

def load_checkpoint(path, model, optimizer):
    flat = torch.load(path, weights_only=True)
    own = {name[6:]: tensor for name, tensor in flat.items() if name.startswith("model.")}
    for name, tensor in model.state_dict().items():
        tensor.copy_(own[name])
    optimizer.load_state_dict(flat["optimizer"])
    return flat["epoch"]
""",
        "methods of an object": """
import io

class Checkpoints:
    def save(self, path, model, optimizer, epoch):
        memory = io.BytesIO()
        states = {part: thing.state_dict() for part, thing in (("m", model), ("o", optimizer))}
        torch.save(states | {"e": epoch}, memory)
        path.write_bytes(memory.getvalue())

    def load(self, path, model, optimizer):
        state = torch.load(io.BytesIO(path.read_bytes()), weights_only=True)
        for key, thing in (("m", model), ("o", optimizer)):
            thing.load_state_dict(state.pop(key))
        return state.popitem()[1]

save_checkpoint, load_checkpoint = Checkpoints().save, Checkpoints().load
""",
        "a helper, copies, and eval mode": edited(
            ANSWER,
            (
                '"model": model.state_dict()',
                '"model": {name: tensor.clone() for name, tensor in model.state_dict().items()}',
            ),
            ('    return state["epoch"]', '    model.eval()\n    epoch = state["epoch"]\n    return epoch'),
        ),
    },
    unknown={
        "another learning rate": edited(
            ANSWER, ("    return state", "    optimizer.param_groups[0]['lr'] = 0.02\n    return state")
        ),
        "weights halved": edited(
            ANSWER, ("    return state", "    for p in model.parameters(): p.data /= 2\n    return state")
        ),
    },
)
