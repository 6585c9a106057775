"""Lesson 02 · `early_stopper`: stop in time, keep the best weights.

A stopper is run on short lists of losses, each of which shows one thing. Before each call the model's weights are set
to the number of the epoch, so that the file and the model that comes back tell which epoch was kept.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.files import Code, own_folder, runs_code
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import shown
from resnet_course.training import EarlyStopper

NAN = math.nan
CASES: tuple[tuple[int, tuple[float, ...]], ...] = (  # none goes on after the epoch that ends the training
    (3, (1.0, 1.1, 1.2, 1.3)),
    (1, (1.0, 1.1)),
    (2, (1.0, 0.9, 0.8)),  # no bad epoch at all
    (2, (1.0, 1.1, 0.9, 1.0)),  # bad epochs, but not in a row
    (2, (0.7, 0.75, 0.72)),  # better than the epoch before, but no new best
    (2, (1.0, 1.0, 1.0)),  # an equal loss is no improvement
    (2, (1.0, 0.999999)),  # and a little is one
    (2, (0.5, 0.0, 0.2)),
    (2, (5000.0,)),
    (3, (1.0, NAN, 0.9)),
    (2, (NAN, NAN)),
    (2, (NAN, 0.5)),
)
PATH = Path("kept_here.pt")  # in a folder of its own, so that messages look alike in each run
TRAINED, ASKED = 98.0, 99.0  # the weights of the trained model at the end, and those of the model that is handed over
WITH_BEST = (0, 2, 9)  # the cases after which the best weights are asked for
REFUSED = "a file that weights_only=True refuses"


def make_model() -> nn.Module:
    """With buffers, which are no parameters."""
    return nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))


NAMES = set(make_model().state_dict())


def fill(model: nn.Module, number: float) -> None:
    """Set every weight and statistic to the number."""
    for tensor in model.state_dict().values():
        tensor.fill_(number)


def epoch_of(state: Any) -> str:
    """Which epoch a state dict is from, in words."""
    if not isinstance(state, dict) or set(state) != NAMES:
        missing = isinstance(state, dict) and {"0.weight", "1.bias"} <= set(state)
        return "only a part of model.state_dict()" if missing else "something else than model.state_dict()"
    numbers = {float(tensor.flatten()[0]) for tensor in state.values()}
    names = {TRAINED: "the weights after the training", ASKED: "the weights it had before"}
    return names.get(number := numbers.pop(), f"epoch {number:.0f}") if len(numbers) == 1 else "a mixture of epochs"


class Trace:
    """What a stopper does with one list of losses."""

    def __init__(self, stopper_class: Any, case: int, model: nn.Module) -> None:
        num_trials, losses = CASES[case]
        self.answers: list[bool | None] = []
        self.files: list[str] = []
        self.best: str | None = None
        self.error: Exception | None = None
        self.changed = False
        stopper = stopper_class(num_trials, PATH)
        for epoch, loss in enumerate(losses, 1):
            fill(model, epoch)
            answer = stopper.is_continuable(model, loss)
            self.answers.append(None if answer is None else bool(answer))
            self.changed |= epoch_of(model.state_dict()) != f"epoch {epoch}"
            self.files.append(_read(PATH.read_bytes()) if PATH.exists() else "no file")
        fill(model, TRAINED)
        if REFUSED not in self.files and case in WITH_BEST:
            self.best = self._restored(stopper)

    def _restored(self, stopper: Any) -> str:
        """What `get_best_model` gives back. An error is one of the things it may give."""
        given = make_model()
        fill(given, ASKED)
        try:
            best = stopper.get_best_model(given)
        except NotImplementedError:
            raise
        except Exception as error:
            self.error = error if "no file" not in self.files else None
            return f"an error ({type(error).__name__})"
        if not isinstance(best, nn.Module):
            return shown(best) if best is None else f"a {type(best).__name__}"
        return epoch_of(best.state_dict()) if best is given else "another model than the one handed over"


@functools.lru_cache(1000)
def _read(content: bytes) -> str:
    try:
        return epoch_of(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except Exception:  # torch raises many kinds
        return REFUSED


def _runs_code(stopper_class: Any) -> bool:
    """Whether code runs that somebody has put into the file."""
    stopper, model = stopper_class(2, PATH), make_model()
    stopper.is_continuable(model, 1.0)
    return runs_code(lambda: stopper.get_best_model(model), PATH, model.state_dict() | {"0.weight": Code()})


def _stops(stopper_class: Any, losses: Iterable[float]) -> int | str:
    """At which epoch a training with these losses ends."""
    stopper, model = stopper_class(3, PATH), make_model()
    answers = [stopper.is_continuable(model, loss) for loss in losses]
    return next((epoch for epoch, answer in enumerate(answers, 1) if not answer), "never")


def observe(answer: Any) -> Iterator[Seen]:
    """Each list of losses: the answers, the file and the model that comes back."""
    traces = []
    with own_folder():
        stops = _stops(answer, map(float, range(1, 11)))
        with_nan = _stops(answer, [1.0, *[NAN] * 9])
        for case in range(len(CASES)):
            PATH.unlink(missing_ok=True)
            traces.append(Trace(answer, case, make_model()))
        elsewhere = any(path != PATH for path in Path().rglob("*"))
    yield Seen("with num_trials=3 and the losses 1, 2, 3, 4, ..., the epoch with the first False", stops)
    same = "like another bad epoch" if stops == with_nan else "another one"
    yield Seen("a bad epoch whose loss is NaN", same)
    for (num_trials, losses), trace in zip(CASES, traces, strict=True):
        what = f"with num_trials={num_trials} and the losses {', '.join(f'{loss:.6g}' for loss in losses)}"
        yield Seen(f"{what}, the answers", trace.answers, explains=not all(map(math.isnan, losses)))
        yield Seen(f"{what}, what is at save_path after each epoch", trace.files)
        if trace.best is not None:
            yield Seen(f"{what}, what get_best_model gives", trace.best)
    yield Seen("is_continuable: a change of the model", any(trace.changed for trace in traces))
    yield Seen("a file at another place than save_path", elsewhere)
    errors = [trace.error for trace in traces if trace.error is not None]
    if errors:
        raise errors[0]
    with own_folder():
        code = _runs_code(answer)
    yield Seen("get_best_model: code from the file is run", code)


ANSWER = """
class EarlyStopper:
    def __init__(self, num_trials, save_path):
        self.num_trials = num_trials
        self.save_path = save_path
        self.trial_counter = 0
        self.best_loss = float("inf")

    def is_continuable(self, model, loss):
        if loss < self.best_loss:
            self.best_loss = loss
            self.trial_counter = 0
            torch.save(model.state_dict(), self.save_path)
            return True
        self.trial_counter += 1
        if self.trial_counter >= self.num_trials:
            return False
        return True

    def get_best_model(self, model):
        model.load_state_dict(torch.load(self.save_path, weights_only=True))
        return model
"""
# fmt: off
WRONG = [
    Wrong("counter_never_reset", [("            self.trial_counter = 0\n", "")],
          ask="What happens to the counter of bad epochs at a new best?",
          explain="The counter keeps its value at a new best, so bad epochs are counted over the whole training: "
                  "with num_trials=2 the losses 1.0, 1.1, 0.9, 1.0 already stop it. Only bad epochs in a row count, "
                  "so a new best starts again at 0."),
    Wrong("one_too_late", [
              ("if self.trial_counter >= self.num_trials:", "if self.trial_counter > self.num_trials:")],
          ask="At which bad epoch in a row does the answer become False, with num_trials=2?",
          explain="With num_trials=2 the training stops only at the third bad epoch. The answer should be False at "
                  "bad epoch number num_trials itself, so look at the comparison and at the place where the counter "
                  "grows."),
    Wrong("one_too_early", [
              ("if self.trial_counter >= self.num_trials:", "if self.trial_counter >= self.num_trials - 1:")],
          ask="At which bad epoch in a row is the answer False, with num_trials=2?",
          explain="With num_trials=2 the training already stops at the first bad epoch. The answer should stay True "
                  "until bad epoch number num_trials."),
    Wrong("stops_at_first_bad", [("if self.trial_counter >= self.num_trials:", "if self.trial_counter:")],
          ask="How many bad epochs in a row are allowed?",
          explain="The first bad epoch ends the training, whatever num_trials says. A validation loss goes up and "
                  "down from epoch to epoch, and num_trials says how many bad ones to wait for."),
    Wrong("never_stops", [("            return False\n", "            pass\n")],
          ask="Under which condition is the answer False?",
          explain="The answer is never False: a hundred bad epochs in a row still give True. The counter must grow "
                  "at each bad epoch, and be compared with num_trials."),
    Wrong("keeps_last", [
              ("    def is_continuable(self, model, loss):\n",
               "    def is_continuable(self, model, loss):\n        torch.save(model.state_dict(), self.save_path)\n"),
              ("            torch.save(model.state_dict(), self.save_path)\n", "")],
          ask="The weights of which epoch are in the file at the end?",
          explain="Every epoch is saved, so the file ends with the weights of the last one. The last epochs are bad "
                  "epochs, since that is why the training stopped. Save only at a new best."),
    Wrong("equal_is_better", [("if loss < self.best_loss:", "if loss <= self.best_loss:")],
          ask="What does an epoch with exactly the lowest loss so far count as?",
          explain="A loss equal to the lowest counts as a new best here. A loss that stands still would then never "
                  "stop the training. Only a lower loss is an improvement."),
    Wrong("not_worse_is_better", [("if loss < self.best_loss:", "if not loss > self.best_loss:")],
          ask="What does `loss > best` say for an equal loss, and for NaN?",
          explain="`loss > best` is False for an equal loss and for NaN, so both are taken for a new best here, and "
                  "the weights of a training that broke down are saved over good ones. Ask whether the loss is "
                  "better, not whether it is worse."),
    Wrong("nan_is_better", [("if loss < self.best_loss:", "if not loss >= self.best_loss:")],
          ask="What does a comparison with NaN give?",
          explain='A comparison with NaN always gives False, so "not worse" holds for NaN, and its weights are saved '
                  "over good ones. Ask whether the loss is better: for NaN that is False as well, and the epoch "
                  "counts as bad."),
    Wrong("higher_is_better", [
              ('self.best_loss = float("inf")', 'self.best_loss = float("-inf")'),
              ("if loss < self.best_loss:", "if loss > self.best_loss:")],
          ask="What is a good loss, a high or a low one?",
          explain="A good loss is a low one. Here each higher loss is taken for a new best, as it would be right for "
                  "an accuracy, so the worst weights are kept."),
    Wrong("starts_at_zero", [('self.best_loss = float("inf")', "self.best_loss = 0")],
          ask="What is the best loss before the first epoch?",
          explain="The best loss starts at 0. A cross-entropy is never lower than that, so no epoch is ever a new "
                  "best, nothing is saved, and the training stops after num_trials epochs. The first loss must "
                  "always win."),
    Wrong("starts_at_a_number", [('self.best_loss = float("inf")', "self.best_loss = 1000")],
          ask="Which first loss would not be a new best?",
          explain="The best loss starts with a fixed number: with 100, a first loss of 5000 counts as bad. The first "
                  "loss must always win, so start with a value that nothing is above."),
    Wrong("compares_with_previous", [
              ("            return True\n", "            return True\n        self.best_loss = loss\n")],
          ask="With which loss is the new one compared?",
          explain="The new loss is compared with that of the epoch before. After 0.7 and 0.75, a loss of 0.72 then "
                  "looks like a new best, although 0.7 was better, and its weights replace the better ones. Compare "
                  "with the lowest of all."),
    Wrong("best_never_updated", [("            self.best_loss = loss\n", "")],
          ask="What is stored as the best loss after a new best?",
          explain="The best loss keeps its old value, so every later epoch is compared with the start value and "
                  "looks like a new best: the training never stops, and the last weights are kept. The new best loss "
                  "has to be stored."),
    Wrong("never_saves", [("            torch.save(model.state_dict(), self.save_path)\n", "")],
          ask="What is at save_path after a new best?",
          explain="There is no file at save_path. Once the training goes on, the best weights are overwritten in "
                  "memory, so each new best has to be written to save_path."),
    Wrong("kept_in_memory", [
              ("class EarlyStopper:\n", "import copy\nclass EarlyStopper:\n"),
              ("torch.save(model.state_dict(), self.save_path)", "self.weights = copy.deepcopy(model.state_dict())"),
              ("model.load_state_dict(torch.load(self.save_path, weights_only=True))",
               "model.load_state_dict(self.weights)")],
          ask="Where are the best weights if the kernel dies?",
          explain="The best weights are only in memory, and lost if the kernel dies. The exercise asks for a file at "
                  "save_path, which a new session can read."),
    Wrong("kept_without_copy", [
              ("torch.save(model.state_dict(), self.save_path)",
               "self.weights = model.state_dict(); torch.save(self.weights, self.save_path)"),
              ("model.load_state_dict(torch.load(self.save_path, weights_only=True))",
               "model.load_state_dict(self.weights)")],
          ask="What does the dict from model.state_dict() hold?",
          explain="model.state_dict() holds the model's own tensors and no copies, so it changes with every step and "
                  "always shows the current weights. The file keeps them as they were: read it with torch.load."),
    Wrong("saves_at_the_end", [
              ("            torch.save(model.state_dict(), self.save_path)\n", ""),
              (">= self.num_trials:\n",
               ">= self.num_trials:\n            torch.save(model.state_dict(), self.save_path)\n")],
          ask="At which epoch are the weights saved?",
          explain="The weights are saved at the epoch that ends the training. By then num_trials bad epochs have "
                  "changed the best weights, and they cannot be had back. Save at each new best."),
    Wrong("saves_whole_model", [
              ("torch.save(model.state_dict(), self.save_path)", "torch.save(model, self.save_path)"),
              ("model.load_state_dict(torch.load(self.save_path, weights_only=True))",
               "model = torch.load(self.save_path)")],
          ask="What kind of object is written to the file?",
          explain="The model itself is written to the file. To read it, its class must be found under the same name, "
                  "so renaming the class breaks the file, and torch.load with weights_only=True refuses it. Save the "
                  "tensors only, which model.state_dict() gives."),
    Wrong("saves_parameters_only", [
              ("torch.save(model.state_dict(), self.save_path)",
               "torch.save({name: value.data for name, value in model.named_parameters()}, self.save_path)")],
          ask="Which of the model's tensors are missing in the file?",
          explain="The file lacks batch norm's running mean and variance: they are no parameters, since no gradient "
                  "changes them, but eval mode needs them. A state dict has both kinds."),
    Wrong("current_returned", [
              ("        model.load_state_dict(torch.load(self.save_path, weights_only=True))\n", "")],
          ask="Which weights does get_best_model give back?",
          explain="get_best_model gives the model with the weights of the last epoch: the file is not read. The "
                  "saved weights have to be loaded into the model first."),
    Wrong("not_returned", [("        return model\n", "")],
          ask="What does get_best_model hand back?",
          explain="get_best_model loads the weights but has no `return`, so the caller gets None. Hand the model "
                  "back."),
    Wrong("load_result_returned", [
              ("        model.load_state_dict(torch.load(self.save_path, weights_only=True))\n        return model\n",
               "        return model.load_state_dict(torch.load(self.save_path, weights_only=True))\n")],
          ask="What does load_state_dict return?",
          explain="load_state_dict returns a report of missing and unexpected names, not the model. Loading changes "
                  "the model itself, so hand that back in a line of its own."),
    Wrong("state_returned", [
              ("        model.load_state_dict(torch.load(self.save_path, weights_only=True))\n        return model\n",
               "        return torch.load(self.save_path)\n")],
          ask="What kind of object does get_best_model hand back?",
          explain="The dict of tensors from the file comes back. The caller needs a network that can be called: load "
                  "the dict into the model and hand the model back."),
    Wrong("no_answer_when_better", [("            return True\n", "            return\n")],
          ask="What does is_continuable answer at a new best?",
          explain="At a new best is_continuable has no `return`. That gives None, which Python takes for False: the "
                  "training would stop at its first good epoch. This branch needs an answer too."),
    Wrong("no_answer", [
              ("            return True\n", ""),
              ("        self.trial_counter += 1\n", "        else:\n            self.trial_counter += 1\n"),
              ("            return False\n        return True\n", "            pass\n")],
          ask="What does is_continuable answer?",
          explain="is_continuable has no `return`, so it always answers None, which Python takes for False: the "
                  "training stops after one epoch. Each branch needs an answer."),
    Wrong("inverted", [
              ("            return True\n", "            return False\n"),
              ("            return False\n        return True\n", "            return True\n        return False\n")],
          ask="What does the training loop do when is_continuable answers True?",
          explain="The answers are turned round: True should mean go on, and here it means stop. A training would "
                  "end at its first good epoch."),
    Wrong("margin", [("if loss < self.best_loss:", "if loss < self.best_loss - 0.01:")],
          ask="By how much must a loss be lower to be a new best?",
          explain="A loss has to be lower by some margin here, so an epoch that is only a little better counts as bad "
                  "and is not saved. The text asks for lower than all before, and nothing more."),
    Wrong("class_wide_best", [
              ("class EarlyStopper:\n", "class EarlyStopper:\n    best_loss = float('inf')\n"),
              ('        self.best_loss = float("inf")\n', ""),
              ("self.best_loss = loss", "EarlyStopper.best_loss = loss")],
          ask="What does a second stopper know of the losses of the first one?",
          explain="The lowest loss is kept in the class or in a global variable, which all stoppers share: the next "
                  "training is measured against the best epoch of the last one. Keep it in self, and set it in "
                  "`__init__`."),
    Wrong("fixed_file_name", [("self.save_path)", '"best.pt")'), ("torch.load(self.save_path", 'torch.load("best.pt"')],
          ask="Under which name are the weights saved?",
          explain="The weights are saved under a fixed name, or one made from save_path, and there is no file at "
                  "save_path. Two stoppers would overwrite each other's file. Use the path as it was handed over."),
    Wrong("code_allowed", [("weights_only=True", "weights_only=False")],
          ask="What may the file do while it is loaded?",
          explain="With weights_only=False a file may run code while it is loaded. Weights are data, so they can be "
                  "loaded with code forbidden, as the text says."),
    Wrong("another_model_returned", [
              ("    def get_best_model(self, model):\n",
               "    def get_best_model(self, model):\n        from copy import deepcopy; model = deepcopy(model)\n")],
          ask="Which model has the best weights after the call, the caller's own one too?",
          explain="Another model than the one handed over comes back, and the caller's own keeps its weights. The text "
                  "asks to load the weights into `model` and to return that."),
    Wrong("zero_is_no_best", [("if loss < self.best_loss:", "if not self.best_loss or loss < self.best_loss:")],
          ask="What does `not best` say for a best loss of 0.0?",
          explain="The number 0.0 counts as False, so a best loss of 0 is taken for none at all and the next loss "
                  "replaces it. Compare with None, `best is None`, or start with infinity."),
    Wrong("counter_starts_at_one", [
              ("save_path\n        self.trial_counter = 0\n", "save_path\n        self.trial_counter = 1\n")],
          ask="How many bad epochs have there been before the first epoch?",
          explain="The counter starts at 1, so before the first new best one bad epoch is counted that was none. "
                  "Start at 0."),
    Wrong("counts_good_epochs", [
              ("        if loss <", "        self.trial_counter += 1\n        if loss <"),
              ("            self.trial_counter = 0\n", ""),
              ("            return True\n        self.trial_counter += 1\n", "")],
          ask="Which epochs does the counter count?",
          explain="The counter grows at every epoch, good ones too, so a training that gets better all the time is "
                  "stopped. Only bad epochs in a row count."),
    Wrong("nan_stops", [("if loss <", "if loss != loss: return False\n        if loss <")],
          ask="How many bad epochs does one NaN make?",
          explain="A loss that is NaN ends the training at once. The text calls it a bad epoch, so it counts as one, "
                  "and num_trials of them in a row stop the training."),
    Wrong("nan_not_counted", [("if loss <", "if loss != loss: return True\n        if loss <")],
          ask="Does an epoch whose loss is NaN raise the counter?",
          explain="A loss that is NaN is passed over: a training that has broken down would run on to its last epoch. "
                  "The text calls it a bad epoch, so it counts as one."),
    Wrong("state_in_a_dict", [
              ("torch.save(model.state_dict()", 'torch.save({"model": model.state_dict()}'),
              ("weights_only=True)", 'weights_only=True)["model"]')],
          ask="What does somebody get who loads the file into a model?",
          explain="The file holds something around or beside model.state_dict(), so model.load_state_dict refuses what "
                  "is read from it. The text asks for model.state_dict() itself."),
    Wrong("saves_bad_epochs", [
              ("            torch.save(model.state_dict(), self.save_path)\n", ""),
              ("self.trial_counter += 1", "torch.save(model.state_dict(), self.save_path); self.trial_counter += 1")],
          ask="In which of the two cases are the weights saved?",
          explain="The weights are saved at the bad epochs and not at a new best. Look at the indentation of the line "
                  "that saves."),
    Wrong("inverted_when_bad", [
              ("            return False\n        return True\n", "            return True\n        return False\n")],
          ask="What is answered at a bad epoch that is not the last one?",
          explain="At a bad epoch the two answers are turned round: the training stops at the first one, and would go "
                  "on after num_trials of them. False means stop."),
    Wrong("nan_hides_later_losses", [
              ("        self.trial_counter += 1",
               "        if loss != loss: self.best_loss = loss\n        self.trial_counter += 1")],
          ask="What is the lowest of 1.0, NaN and 0.9 for your code?",
          explain="After one NaN no later loss is a new best: 0.9 after 1.0 and NaN is not saved. No number is below "
                  "NaN, so a NaN must not get into what later losses are compared with, such as a best value that min "
                  "has made of it, or the list of all losses."),
]
# fmt: on

EXERCISE = Exercise(
    "early_stopper",
    lesson="02",
    defines="EarlyStopper",
    reference=EarlyStopper,
    observe=observe,
    start="What must the object remember between two calls? The lowest loss so far (infinity before the first), the "
    "number of bad epochs in a row, and the two arguments. Write is_continuable as two cases, better than the lowest "
    "loss or not, and note for each what changes, what is saved and what is answered.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "counting down, without a best at first": """
class EarlyStopper:
    def __init__(self, num_trials, save_path):
        self.num_trials, self.path, self.left, self.best = num_trials, str(save_path), num_trials, None

    def is_continuable(self, model, loss):
        import math
        if not math.isnan(loss) and (self.best is None or loss < self.best):
            self.best, self.left = loss, self.num_trials
            torch.save(model.state_dict(), self.path)
        else:
            self.left -= 1
        return self.left > 0

    def get_best_model(self, model):
        model.load_state_dict(torch.load(self.path, weights_only=True, map_location="cpu"))
        return model
""",
        "a list of losses": """
class EarlyStopper:
    def __init__(self, num_trials, save_path):
        self.num_trials, self.save_path, self.losses, self.last_best = num_trials, save_path, [], 0

    def is_continuable(self, model, loss):
        best = min([l for l in self.losses if l == l], default=float("inf"))
        self.losses.append(loss)
        if loss < best:
            torch.save({name: tensor.clone() for name, tensor in model.state_dict().items()}, self.save_path)
            self.last_best = len(self.losses)
        return len(self.losses) - self.last_best < self.num_trials

    def get_best_model(self, model):
        with open(self.save_path, "rb") as file:
            model.load_state_dict(torch.load(file, weights_only=True))
        return model.eval()
""",
        "an answer that is a tensor": edited(ANSWER, ("return True", "return torch.tensor(True)")),
        "keyword arguments, no branch with a return": """
class EarlyStopper(object):
    def __init__(self, num_trials: int, save_path) -> None:
        self.n, self.path, self.best, self.bad = num_trials, save_path, math.inf, 0

    def is_continuable(self, model, loss):
        better = loss < self.best
        self.best, self.bad = (loss, 0) if better else (self.best, self.bad + 1)
        if better:
            torch.save(obj=model.state_dict(), f=self.path)
        return not self.bad >= self.n

    def get_best_model(self, model):
        state = torch.load(self.path)
        model.load_state_dict(state)
        return model
""",
        "the file is written whole or not at all": edited(
            ANSWER,
            ("torch.save(model.state_dict(), self.save_path)", "self.write(model)"),
            (
                "    def get_best_model",
                """    def write(self, model):
        import os
        torch.save(model.state_dict(), str(self.save_path) + ".new")
        os.replace(str(self.save_path) + ".new", self.save_path)

    def get_best_model""",
            ),
        ),
        "a counter that is compared for equality": edited(
            ANSWER, ("if self.trial_counter >= self.num_trials:", "if self.trial_counter == self.num_trials:")
        ),
    },
    unknown={
        "twice as patient": edited(ANSWER, (">= self.num_trials", ">= 2 * self.num_trials")),
    },
    again={
        "better only by a hundredth": ("margin", edited(ANSWER, ("< self.best_loss:", "< 0.99 * self.best_loss:"))),
    },
)
