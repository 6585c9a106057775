"""Mistakes that every exercise can meet, told by what came out: another kind of result, or another graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from resnet_course.checking.exercise import Hint
from resnet_course.checking.seen import STOP, Difference, Observation
from resnet_course.checking.values import as_number

_NUMBERS = (int, float, np.number)
Test = Callable[[Any, Any], bool]  # what came, what was expected


def _several(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_mask(value: Any) -> bool:
    if isinstance(value, Tensor):
        return str(value.dtype) == "torch.bool" and value.numel() > 1
    return _several(value) and len(value) > 0 and all(isinstance(item, bool) for item in value)


_KINDS: tuple[tuple[Hint, Test], ...] = (
    (
        Hint(
            "returns_none",
            "What does your function give back?",
            "It gives None, as every Python function does that ends without `return`. The last line has to hand the "
            "result over.",
        ),
        lambda got, right: got is None and right is not None,
    ),
    (
        Hint(
            "returns_class",
            "Is what comes back an object, or the class of one?",
            "A class came back. Brackets behind it make an object: `nn.ReLU()`, not `nn.ReLU`.",
        ),
        lambda got, right: isinstance(got, type) and not isinstance(right, type),
    ),
    (
        Hint(
            "returns_function",
            "Is what comes back a result, or the function that would compute it?",
            "A function came back that was never called. Brackets behind a name call it.",
        ),
        lambda got, right: callable(got) and not callable(right) and not isinstance(got, Tensor),
    ),
    (
        Hint(
            "returns_text",
            "Is what comes back a number, or the text of one?",
            "Text came back. Print is for people; what goes on to the next line is a value.",
        ),
        lambda got, right: isinstance(got, str) and isinstance(right, (*_NUMBERS, Tensor, list, tuple)),
    ),
    (
        Hint(
            "mask_for_indices",
            "Does True stand for a place, or is the number of the place asked for?",
            "True and False for every item came back, and the numbers of the chosen items are asked for. "
            "`mask.nonzero().flatten()` turns the one into the other.",
        ),
        lambda got, right: _is_mask(got) and not _is_mask(right) and (isinstance(right, Tensor) or _several(right)),
    ),
    (
        Hint(
            "dict_for_list",
            "In which form is the result asked for?",
            "A dict came back, and values in a fixed order are asked for: the caller goes by place and not by name.",
        ),
        lambda got, right: isinstance(got, Mapping) and not isinstance(right, Mapping),
    ),
    (
        Hint(
            "one_for_several",
            "How many values are asked for?",
            "One value came back where several are asked for. Hand them over in one return, divided by commas.",
        ),
        lambda got, right: _several(right) and (isinstance(as_number(got), _NUMBERS) or got is None),
    ),
    (
        Hint(
            "another_number_of_values",
            "How many values come back, and how many are asked for?",
            "The number of values that come back is not the one that is asked for. Count what stands behind `return`, "
            "or what was appended in the loop.",
        ),
        lambda got, right: _several(got) and _several(right) and len(got) != len(right),
    ),
    (
        Hint(
            "several_for_one",
            "How many values are asked for?",
            "Several values came back where one is asked for.",
        ),
        lambda got, right: _several(got) and isinstance(right, (*_NUMBERS, str)),
    ),
    (
        Hint(
            "array_or_list_for_tensor",
            "Is what comes back a tensor?",
            "A list or an array came back where a tensor is asked for. torch.tensor makes one of numbers, torch.stack "
            "one of several tensors.",
        ),
        lambda got, right: isinstance(right, Tensor) and (_several(got) or isinstance(got, np.ndarray)),
    ),
    (
        Hint(
            "number_for_tensor",
            "Which shape should the result have?",
            "One number came back where a tensor is asked for: something was summed up, or turned into a number, on "
            "the way.",
        ),
        lambda got, right: isinstance(right, Tensor) and right.dim() > 0 and isinstance(as_number(got), _NUMBERS),
    ),
    (
        Hint(
            "another_shape",
            "Which shape comes out, and which is asked for?",
            "The shape of the result is another one. Print the shape after each of your lines, and find the first that "
            "you do not expect.",
        ),
        lambda got, right: isinstance(got, Tensor) and isinstance(right, Tensor) and got.shape != right.shape,
    ),
)


def _graph(topic: str, ask: str, explain: str) -> tuple[str, Hint]:
    return topic, Hint(f"graph_{topic.replace(' ', '_')}", ask, explain)


_GRAPHS = dict(
    (
        _graph(
            "extra",
            "Which step of your forward does the description not have?",
            "The run has one step more than it should. Go through forward line by line, and compare with the "
            "description in the text.",
        ),
        _graph(
            "missing",
            "Which step of the description does your forward leave out?",
            "The run has one step less than it should. Go through the description in the text step by step, and find "
            "each in forward.",
        ),
        _graph(
            "kind",
            "Which operation is it that the text asks for at this place?",
            "Another operation stands in the place of the one that is asked for.",
        ),
        _graph(
            "input",
            "Which tensor is handed to each step?",
            "A step gets another tensor than it should. Follow the names in forward: each line must use the result "
            "that the description names, and a name that is overwritten is lost.",
        ),
        _graph(
            "unused",
            "Which layers does `__init__` build, and which of them does forward call?",
            "A layer is built and never used. Its weights count as parameters and never learn.",
        ),
        _graph(
            "unregistered",
            "Which weights does the optimizer get from model.parameters()?",
            "Weights are used that the module does not know: they were made in forward, or lie in a plain list, a dict "
            "or a lambda. Store layers as attributes, in nn.Sequential or nn.ModuleList, and weights as nn.Parameter.",
        ),
        _graph(
            "number of uses",
            "How many layers with weights of their own are there?",
            "One layer is used twice, so the two places share their weights. Each place needs a layer of its own.",
        ),
        _graph(
            "stride",
            "Which layers carry the stride, and which move pixel by pixel?",
            "The stride of a layer is not what it should be. It decides how much smaller height and width become, and "
            "it belongs to the layer that the description names, and to the shortcut beside it.",
        ),
        _graph(
            "padding",
            "What does this kernel do at the border of the image?",
            "The padding of a layer is not what it should be. A 3×3 kernel needs 1 pixel of padding to keep height "
            "and width, a 1×1 kernel none.",
        ),
        _graph("kernel", "How large is the kernel of each convolution?", "The kernel of a layer has another size."),
        _graph(
            "in channels",
            "How many channels reach each convolution?",
            "A convolution is built for another number of channels at its entrance: what the step before gives out.",
        ),
        _graph(
            "out channels",
            "How many channels leave each convolution?",
            "A convolution gives out another number of channels than the description says.",
        ),
        _graph(
            "bias",
            "What becomes of a bias in the batch norm that follows?",
            "A layer has a bias where it should have none, or none where it should have one. In front of a batch norm "
            "a bias has no effect, since the mean is subtracted.",
        ),
        _graph("momentum", "Which settings does each batch norm have?", "The momentum is not PyTorch's default, 0.1."),
        _graph("eps", "Which settings does each batch norm have?", "The eps is not PyTorch's default, 0.00001."),
        _graph(
            "under no_grad",
            "Along which steps can a gradient flow back?",
            "A step runs under no_grad, so no gradient comes back through it and what stands in front does not learn.",
        ),
        _graph(
            "training",
            "Who decides whether a batch norm uses the batch or what it has stored?",
            "A batch norm runs in another mode than its module. The mode belongs to the module: model.train() and "
            "model.eval() set it for all layers.",
        ),
        _graph("groups", "Does each filter see all channels?", "The convolution is divided into groups."),
        _graph("dilation", "Are there gaps between the pixels that a kernel sees?", "The dilation should be 1."),
        _graph(
            "shape",
            "Which shape comes out of this step?",
            "A pooling or flattening gives another shape than it should.",
        ),
        _graph("number", "By which number is it multiplied?", "Another number stands in the formula."),
        _graph("alpha", "By which number is it multiplied?", "Another number stands in the formula."),
    )
)
_LAYERS_NOT_TOGETHER = Hint(
    "list_for_module",
    "What happens when the result is called with x?",
    "The layers came back in a list, a tuple or a dict, which cannot be called. Hand them to nn.Sequential one by one, "
    "with a star in front of a list.",
)
_HANDED_OVER = Hint(
    "wrong_kind",
    "What is handed to the check, the thing itself or something made with it?",
    "The check takes the function or class by its name, without brackets after it: it calls it itself.",
)
_OF_KIND = {"a list": _LAYERS_NOT_TOGETHER, "a tuple": _LAYERS_NOT_TOGETHER, "a dict": _LAYERS_NOT_TOGETHER} | {
    kind: next(hint for hint, _ in _KINDS if hint.id == name)
    for kind, name in (("None", "returns_none"), ("a class", "returns_class"), ("a function", "returns_function"))
}
_CHANGED = Hint(
    "input_changed",
    "What does your code do to the tensor that the caller handed in?",
    "It writes into it, for example with `+=` or a function whose name ends in an underscore. The caller may still "
    "need the old numbers: let the result be a new tensor.",
)
HINTS: dict[str, Hint] = {hint.id: hint for hint, _ in _KINDS} | {hint.id: hint for hint in _GRAPHS.values()}
HINTS |= {hint.id: hint for hint in (_CHANGED, _LAYERS_NOT_TOGETHER, _HANDED_OVER)}


def find(difference: Difference, reference: Observation) -> Hint | None:
    """A hint about this difference, if its kind is known."""
    if difference.topic == "absent":  # not None was seen here, but nothing
        return None
    if difference.topic in _GRAPHS:
        return _GRAPHS[difference.topic]
    if difference.place == STOP:
        return _HANDED_OVER if difference.got[0] == "WrongKindError" else None
    if difference.place.startswith("the kind of"):
        return _OF_KIND.get(difference.got)
    if difference.place.endswith("the largest change of the input x"):
        return _CHANGED
    expected = next((part.value for part in reference if part.place == difference.place), None)
    return next((hint for hint, fits in _KINDS if _fits(fits, difference.got, expected)), None)


def _fits(test: Test, got: Any, right: Any) -> bool:
    try:
        return bool(test(got, right))
    except Exception:  # an object of the learner's may raise at any question
        return False
