"""Slips of Python and PyTorch that every exercise can meet, told by the error that they raise."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any

from resnet_course.checking.exercise import Hint


@dataclass(frozen=True)
class Slip:
    """One slip: the kinds of error that it raises, a pattern of the text, and what is said of it."""

    kinds: str  # names of exceptions, divided by spaces
    pattern: str
    hint: Hint


def _slip(name: str, kinds: str, ask: str, explain: str, pattern: str = "") -> Slip:
    return Slip(kinds, pattern, Hint(f"slip_{name}", ask, explain))


FORGOTTEN_SELF = Hint(
    "slip_forgotten_self",
    "Where does a method find what `__init__` has made?",
    "The name in the message is an attribute of the object, and Python looks for a variable of that name. Inside a "
    "method write `self.` in front of it.",
)
# fmt: off
_SLIPS = (
    _slip("no_super_init", "AttributeError TypeError",
        "What must `__init__` of an nn.Module do before it stores a layer?",
        "nn.Module keeps its list of layers in places that its own `__init__` makes. Call `super().__init__()` in the "
        "first line of yours, with both pairs of brackets.",
        r"before Module\.__init__\(\) call|has no attribute '_(modules|parameters|buffers|(forward|backward)_hooks)'"),
    _slip("module_list_called", "NotImplementedError",
        "Who says in which order the layers of a ModuleList run?",
        "An nn.ModuleList only keeps layers; it cannot be called. Loop over it and call each layer, or use "
        "nn.Sequential, which calls its layers one after the other.",
        r"Module \[Module(List|Dict)\] is missing"),
    _slip("no_forward", "NotImplementedError",
        "Which method does PyTorch call when the module is called?",
        "The class has no method `forward(self, x)`. Look at the spelling, and at the indentation: a method stands "
        "inside the class, not inside `__init__`.",
        r"missing the required \"forward\" function"),
    _slip("list_in_sequential", "TypeError",
        "What does nn.Sequential take: one list, or the layers one by one?",
        "nn.Sequential takes the layers as separate arguments and got the whole list as one. A star hands a list over "
        "piece by piece: `nn.Sequential(*layers)`.",
        r"(list|tuple|generator|dict) is not a Module subclass"),
    _slip("class_for_layer", "TypeError AttributeError RuntimeError",
        "Is it a layer that stands here, or the class of one, or a layer that got another layer in place of a tensor?",
        "A layer is made first, with its settings, and called afterwards with a tensor: `nn.ReLU()(x)`. `nn.ReLU` "
        "without brackets is the class, and `nn.ReLU(x)` makes a layer with x as its setting.",
        r"^\S+ is not a Module subclass|(must be Tensor|as argument|list of Modules).*\btype\b"
        r"|argument 'input' .*must be Tensor, not (?!NoneType|list|tuple|int|float|str)|linear\(\).*type"
        r"|'(Conv2d|BatchNorm2d|ReLU|Sequential|Linear|MaxPool2d|Identity)' object has no attribute "
        r"'(size|dim|shape|view|flatten)'"),
    _slip("none_used", "TypeError AttributeError",
        "Which of your lines gives None?",
        "A value is None where something else is needed. It comes from a function or method without `return`, from "
        "one that works in place and gives nothing back, such as `list.append`, or from a `.grad` that no backward "
        "pass has filled. A tensor gets a `.grad` if it asked for one (`requires_grad`) before the forward pass, and "
        "if it is not itself a copy of one that did.",
        r"NoneType|must be Tensor, not NoneType"),
    _slip("list_called", "TypeError",
        "Can a Python list be called like a layer?",
        "A list keeps layers and does not run them, and PyTorch does not see the weights inside it. Put the layers "
        "into nn.Sequential, or loop over them.",
        r"'(list|dict|ModuleList)' object is not callable"),
    _slip("tuple_called", "TypeError",
        "Is this one layer, or several things that a function gave back together?",
        "A tuple stands where a layer is called. A function that ends with `return a, b` gives back both in one tuple: "
        "give each a name, as in `layer, channels = …`. If you made the tuple yourself, of layers, put them into "
        "nn.Sequential.",
        r"'tuple' object is not callable"),
    _slip("not_callable", "TypeError",
        "What is it that is called with brackets here?",
        "The brackets behind a name call it, and what stands there is not a function or a layer. Has a variable taken "
        "the name of a function, or is there an operator missing in front of a bracket?",
        r"object is not callable"),
    _slip("sizes_in_sum", "RuntimeError",
        "Which two shapes meet in the operation of the message?",
        "The two tensors have different sizes in the dimension that the message names, counted from 0: images, "
        "channels, height, width. Print both shapes just before the line, and ask which of them is not what you "
        "expect.",
        r"The size of tensor a \(\d+\) must match the size of tensor b"),
    _slip("channels_in_convolution", "RuntimeError",
        "How many channels come out of the step before this convolution, and for how many was it built?",
        "The convolution was built for another number of channels than what reaches it. The message names both. The "
        "first argument of nn.Conv2d is the number of channels of its input, as the step before leaves it.",
        r"expected input.* to have \d+ channels, but got \d+ channels"),
    _slip("channels_in_batch_norm", "RuntimeError ValueError",
        "How many channels reach this batch norm, and for how many was it built?",
        "A batch norm is built for the number of channels that the convolution before it gives out, and takes a "
        "tensor (N, C, H, W). Here another number, or another shape, reaches it.",
        r"running_mean should contain \d+ elements|weight should contain|expected [2-5]D( or [2-5]D)? input"),
    _slip("linear_size", "RuntimeError",
        "How many numbers does each image have when it reaches the linear layer?",
        "The linear layer was built for another number of inputs than what reaches it: the message names both shapes. "
        "Was the tensor flattened, and does its length fit: channels × height × width?",
        r"mat1 and mat2 shapes cannot be multiplied|size mismatch, got input"),
    _slip("one_value_per_channel", "ValueError",
        "From how many numbers can a batch norm take a mean and a variance?",
        "In training mode a batch norm needs more than one number for each channel. One image of one pixel has only "
        "one, or the model should be in eval mode here.",
        r"Expected more than 1 value per channel"),
    _slip("in_place_on_leaf", "RuntimeError",
        "What does autograd say to a parameter that is changed in place while it is watching?",
        "A tensor that collects a gradient was changed in place. Change parameters inside `torch.no_grad()`, or with "
        "the functions of nn.init; for other tensors make a new one in place of `+=`.",
        r"leaf Variable that requires grad|a view of a leaf"),
    _slip("in_place_in_graph", "RuntimeError",
        "Which line writes into a tensor that the backward pass still needs?",
        "An operation in place, such as `+=`, `relu_` or an assignment to a part, has overwritten numbers from which "
        "a gradient is computed. Let the result be a new tensor.",
        r"modified by an inplace operation"),
    _slip("no_graph", "RuntimeError",
        "Is there still a way from the loss back to the weights?",
        "The backward pass starts at a tensor that has no history: it was computed under `torch.no_grad()`, detached, "
        "or turned into a number with `.item()` before. Then no gradient can be computed.",
        r"does not require grad and does not have a grad_fn"),
    _slip("backward_twice", "RuntimeError",
        "How often can one forward pass be followed back?",
        "The graph of a forward pass is freed after the first backward pass. Do a forward pass for each backward "
        "pass, or ask for all gradients at once.",
        r"backward through the graph a second time"),
    _slip("backward_of_many", "RuntimeError",
        "Of how many numbers is the gradient asked for?",
        "backward() starts at one number, and here it starts at a tensor of several. Take a sum or a mean first.",
        r"grad can be implicitly created only for scalar outputs"),
    _slip("not_used_for_gradient", "RuntimeError",
        "Does the result depend on the tensor whose gradient is asked for?",
        "The gradient of something is asked for that does not lie on the way to the result: a copy, a detached "
        "tensor, or one that was made before requires_grad was set.",
        r"appears to not have been used in the graph"),
    _slip("many_to_number", "RuntimeError ValueError TypeError",
        "How many numbers does this tensor hold?",
        "`.item()`, `float()` and `int()` take a tensor of exactly one number. Sum or average it first, or use "
        "`.tolist()` for a list.",
        r"cannot be converted to Scalar|only one element tensors|only integer tensors of a single|size-1 arrays"),
    _slip("truth_of_many", "RuntimeError",
        "Is `if`, `and` or `in` asked about one number, or about many?",
        "A comparison of tensors gives a tensor of True and False, which is neither. Use `.all()` or `.any()` for one "
        "answer; `&`, `|` and `~` in place of `and`, `or` and `not` for many.",
        r"Boolean value of Tensor with more than one value"),
    _slip("number_method", "AttributeError",
        "Is this a tensor, or already a number of Python?",
        "A plain number has no methods of a tensor: somewhere before, `.item()`, `len()` or a comparison of numbers "
        "has made one of it.",
        r"'(int|float|bool)' object has no attribute '(item|sum|mean|norm|backward|detach|float|numel|view|dim)'"),
    _slip("no_length", "TypeError",
        "Is this one thing, or several in a row?",
        "A loop, an index, an unpacking or `len` needs something with parts, and the message names the kind of object "
        "that stands there in its place.",
        r"has no len\(\)|object is not (iterable|subscriptable)|cannot unpack non-iterable"),
    _slip("unpacking", "ValueError",
        "How many values stand on each side of the `=`, or of the `in`?",
        "The number of names on the left is not the number of values on the right; the message says which is larger. "
        "For pairs from several lists use zip, for a number beside each value enumerate.",
        r"(not enough|too many) values to unpack"),
    _slip("arguments_too_many", "TypeError",
        "How many parameters has the definition, and how many values arrive?",
        "More values arrive than the function has parameters. With a method the object itself is one of them: its "
        "first parameter is `self`. A class that takes no arguments has no `__init__`: look at the spelling.",
        r"takes (from )?\d+ (to \d+ )?positional arguments? but \d+ (was|were) given|takes no arguments"
        r"|got multiple values for argument"),
    _slip("argument_missing", "TypeError",
        "Which argument gets no value?",
        "The message names a parameter that was not given. Compare the call with the definition: is a default value "
        "asked for, or was a class used without being made into an object first?",
        r"missing \d+ required (positional|keyword-only) arguments?"),
    _slip("argument_unknown", "TypeError",
        "How is the argument of the message called in the definition of the function?",
        "A function was called with a keyword that it does not have. Look at the spelling, and at the documentation "
        "of the function.",
        r"got an unexpected keyword argument|invalid keyword argument"),
    _slip("float_for_whole_number", "TypeError",
        "Does the division give a whole number here?",
        "A size, a count or an index must be a whole number, and a float has arrived. `/` always gives a float, even "
        "for 4 / 2; `//` divides to a whole number.",
        r"tuple of ints, ?(but found|but got|not) .*float|'float' object cannot be interpreted as an integer"
        r"|slice indices must be integers|must be int, not float"),
    _slip("labels_for_logits", "NotImplementedError RuntimeError",
        "In which order does cross_entropy take its two arguments?",
        "cross_entropy takes what the network gives out first and the labels second. Here whole numbers, the labels, "
        "stand in the first place.",
        r"log_softmax.* not implemented for '(Long|Int)'"),
    _slip("wrong_arguments", "TypeError AttributeError",
        "Which kind of argument does the function of the message take, and in which order?",
        "A function got an argument of another kind than it takes, or the arguments in another order. The message "
        "says what it got and what it expects.",
        r"received an invalid combination of arguments|must be (Tensor|int|tuple|float|bool|str), not|argument '\w+'"
        r"|isinstance\(\) arg 2|expected 'f' to be"),
    _slip("operands", "TypeError",
        "Which kinds of objects stand on the two sides of the operator?",
        "The two things that the operator should combine are not of kinds that go together: the message names both. "
        "A list, for example, is not a tensor, and a function that was not called is not its result.",
        r"unsupported operand type|can't multiply sequence|can only concatenate|not supported between instances"),
    _slip("same_with_stride", "ValueError",
        "Which size should come out of 8 rows at stride 2?",
        "padding='same' keeps the size, which contradicts a stride above 1, and PyTorch refuses the two together. Give "
        "the padding as a number: 1 for a kernel of 3×3, so that only the stride makes the image smaller.",
        r"padding='same' is not supported for strided"),
    _slip("state_dict_names", "RuntimeError",
        "Which names does the model expect, and which stand in the state dict?",
        "load_state_dict compares names and shapes, and lists above what is missing, what is left over, and what has "
        "another shape. Every name must be the model's own.",
        r"Error\(s\) in loading state_dict"),
    _slip("plain_for_parameter", "TypeError",
        "What kind of object has this attribute been so far?",
        "PyTorch keeps parameters, layers and buffers apart and refuses another kind of object under a name that is "
        "taken. Keep the object and change the numbers in it in place, or make an nn.Parameter of the new tensor.",
        r"cannot assign .* as (parameter|child module|buffer)"),
    _slip("shape_of_view", "RuntimeError",
        "How many numbers does the tensor hold, and how many does the new shape?",
        "A tensor can take another shape only if the number of values stays the same; the message names both.",
        r"shape '.*' is invalid for input of size|view size is not compatible|must be broadcastable|shape mismatch"),
    _slip("stacked_shapes", "RuntimeError",
        "Which of the shapes that are put together is another one?",
        "Tensors that are put together must agree in every dimension but the one that grows.",
        r"Sizes of tensors must match except in dimension|stack expects each tensor to be equal size"),
    _slip("index_beyond", "IndexError",
        "Which is the last index that exists?",
        "An index lies outside of what it points into, or there are more indices than dimensions. Counting begins at "
        "0, so the last of n has the index n - 1."),
    _slip("key_unknown", "KeyError",
        "Which keys does the dict have?",
        "A dict was asked for a key that it does not have; the message shows the key. Print `list(the_dict)[:5]`."),
    _slip("used_before", "UnboundLocalError",
        "Is there a way through your lines on which this name never gets a value?",
        "A variable is used before it gets a value, for example because the line that sets it stands inside an `if`, "
        "or below. A sum needs a start value before the loop."),
    _slip("name_unknown", "NameError",
        "Where does this name get its value?",
        "Python knows no such name here. Look at the spelling, at the parameters of the function, and at the imports; "
        "what `__init__` has made is reached with `self.` in front."),
    _slip("attribute_unknown", "AttributeError",
        "Where is this attribute made, and under which name?",
        "The object has no attribute of this name. Compare the spelling with the line that makes it; for an object of "
        "your own that line stands in `__init__` and begins with `self.`.",
        r"has no attribute"),
    _slip("dtype", "RuntimeError IndexError ValueError",
        "Which types of numbers do the tensors have?",
        "Two tensors have different types of numbers, such as float32 and int64, or one has a type that the function "
        "does not take: labels and indices are int64, images and weights float32.",
        r"expected scalar type|must have the same dtype|dtype|result type .* can't be cast|tensors used as indices"),
    _slip("division_by_zero", "ZeroDivisionError",
        "Can the number below the line be 0?",
        "Something is divided by 0: a count that was never raised, or one that was set back in the loop."),
    _slip("endless_recursion", "RecursionError",
        "Does a function, or `forward`, call itself?",
        "A function calls itself without an end. A module that keeps itself as an attribute, or a method that has the "
        "name of what it wants to call, does that."),
    _slip("own_assertion", "AssertionError",
        "Does what your `assert` demands hold for every input that the exercise allows?",
        "An assert of your own has stopped the run on an input that is allowed."),
    _slip("file", "FileNotFoundError IsADirectoryError PermissionError FileExistsError",
        "Which path does your code read or write, and who has made that file?",
        "A file or folder is not where the code looks for it. Use the path that was handed over, for writing as for "
        "reading."),
)
# fmt: on
HINTS: dict[str, Hint] = {slip.hint.id: slip.hint for slip in _SLIPS} | {FORGOTTEN_SELF.id: FORGOTTEN_SELF}


def find(error: Exception) -> Hint | None:
    """What is said of this error, if it is a known slip."""
    if isinstance(error, NameError) and _is_attribute(error):
        return FORGOTTEN_SELF
    kinds = {kind.__name__ for kind in type(error).__mro__}
    for slip in _SLIPS:
        if kinds & set(slip.kinds.split()) and re.search(slip.pattern, str(error)):
            return slip.hint
    return None


def _is_attribute(error: NameError) -> bool:
    """Whether the object whose method raised it has an attribute of the name that Python did not find."""
    last: Any = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        last = frame
    owner = None if last is None else last.f_locals.get("self")
    return owner is not None and hasattr(owner, getattr(error, "name", None) or "")
