"""Lesson 06 · `shortcut_gradient`: what reaches x through F, and what reaches it through the shortcut.

First comes a block in which F, the shortcut and their sum are positive everywhere: all ReLUs are open there, and what
is wrong with a ReLU does not show. Each part is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import count_changed, expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import kind_of, plain
from resnet_course.models import BasicBlock

# arguments of the block, whether its sum is positive everywhere, whether it is in training mode
CASES = (((4, 4, 1), True, False), ((4, 4, 1), False, True), ((4, 6, 2), False, False))


def observe(answer: Any) -> Iterator[Seen]:
    """The two tensors, each by itself."""
    expect_function("shortcut_gradient", answer)
    for arguments, is_open, training in CASES:
        block, x = _block_and_input(arguments, is_open)
        block.train(training)
        what = f"with BasicBlock{arguments} in {'training' if training else 'eval'} mode"
        what += ", its sum positive everywhere" if is_open else ""
        given = [plain(tensor).clone() for tensor in (x, *block.parameters())]
        result = answer(block, x)
        pair = isinstance(result, (tuple, list)) and len(result) == 2
        yield Seen(f"{what}, what comes back", "two values" if pair else _described(result))
        if not pair:
            yield Seen(f"{what}, the result", result)
            continue
        yield Seen(f"{what}, the part through F", result[0])
        yield Seen(f"{what}, the part through the shortcut", result[1])
        changed = count_changed([x, *block.parameters()], given)
        yield Seen(f"{what}, the number of tensors that the call changes, x and the weights,", changed)


def _described(result: Any) -> str:
    return f"{kind_of(result)} of {len(result)}" if isinstance(result, (tuple, list)) else kind_of(result)


def _block_and_input(arguments: tuple[int, int, int], is_open: bool) -> tuple[BasicBlock, Tensor]:
    torch.manual_seed(SEED)
    block, x = BasicBlock(*arguments), torch.randn(2, 4, 5, 5)
    with torch.no_grad():
        for name, tensor in (*block.named_parameters(), *block.named_buffers()):
            if tensor.dim() == 1:
                tensor.copy_(torch.rand(len(tensor)) + (0.5 if name.endswith(("weight", "var")) else -0.5))
        if is_open:
            nn.init.constant_(block.bn2.bias, 50.0)
    return block, x.abs() + 0.1 if is_open else x


ANSWER = """
def shortcut_gradient(block, x):
    x = x.clone().requires_grad_()
    out = F.relu(block.transform(x) + block.shortcut(x.detach()))
    (through_f,) = torch.autograd.grad(out.sum(), x)
    out = F.relu(block.transform(x.detach()) + block.shortcut(x))
    (through_shortcut,) = torch.autograd.grad(out.sum(), x)
    return through_f, through_shortcut
"""
# fmt: off
WRONG = [
    Wrong("no_relu", [("F.relu", "")],
          ask="What is the last step of the block?",
          explain="The ReLU of the sum is missing here. It stops the gradient wherever the sum is negative, on both "
                  "ways alike, so without it both parts are too large."),
    Wrong("own_relus", [
              ("out = F.relu(block.transform(x) + block.shortcut(x.detach()))", "out = F.relu(block.transform(x))"),
              ("out = F.relu(block.transform(x.detach()) + block.shortcut(x))", "out = F.relu(block.shortcut(x))")],
          ask="Of which tensor is the ReLU taken?",
          explain="Here each part gets a ReLU of its own. The block takes it of the sum F(x) + shortcut(x), and lets "
                  "the gradient pass where the sum is positive, whatever the sign of one part. Keep both in the sum, "
                  "and cut one gradient."),
    Wrong("zeros_on_the_other_path", [
              ("out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "out = F.relu(block.transform(x) + block.shortcut(torch.zeros_like(x)))"),
              ("out = F.relu(block.transform(x.detach()) + block.shortcut(x))",
               "out = F.relu(block.transform(torch.zeros_like(x)) + block.shortcut(x))")],
          ask="What stands in the sum in place of the other way?",
          explain="The other way is computed from zeros, so the sum is another one, and the ReLU opens and closes at "
                  "other places. The numbers of the other way must stay; only its gradient has to go."),
    Wrong("swapped", [("return through_f, through_shortcut", "return through_shortcut, through_f")],
          ask="Which of the two parts comes first?",
          explain="The part through the shortcut comes first here. Asked is first the one through F, then the one "
                  "through the shortcut. To get the first, it is the shortcut that is cut off."),
    Wrong("whole_twice", """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    F.relu(block.transform(x) + block.shortcut(x).detach()).sum().backward()
    through_f = x.grad
    F.relu(block.transform(x).detach() + block.shortcut(x)).sum().backward()
    return through_f, x.grad
""",
          ask="How do your two tensors differ?",
          explain="Both tensors are the whole gradient. Either no way was cut off, or x.grad was handed back twice, "
                  "which is one and the same tensor to which each backward() adds."),
    Wrong("accumulated", """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    F.relu(block.transform(x) + block.shortcut(x).detach()).sum().backward()
    through_f = x.grad.clone()
    F.relu(block.transform(x).detach() + block.shortcut(x)).sum().backward()
    return through_f, x.grad
""",
          ask="What does the second backward() do to x.grad?",
          explain="The second backward() adds to what stands in x.grad, so the second tensor holds both parts. Clear "
                  "x.grad between the two passes, or use torch.autograd.grad, which adds to nothing."),
    Wrong("accumulated_the_other_way", [
              ("out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "out = F.relu(block.transform(x) + block.shortcut(x))")],
          ask="Which ways does the first of your tensors hold?",
          explain="The first tensor holds both parts, while the second is right. x.grad was not empty when the pass "
                  "for the first began, or the shortcut was not cut off in it."),
    Wrong("not_split", """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    block(x).sum().backward()
    return x.grad
""",
          ask="How many tensors should come back?",
          explain="One tensor comes back here, the whole gradient. Two are asked for: what comes through F, and what "
                  "comes through the shortcut. Cut off one way at a time."),
    Wrong("shortcut_only", [("return through_f, through_shortcut", "return through_shortcut")],
          ask="Which of the two parts are there?",
          explain="Only the part through the shortcut comes back. The part through F is asked for as well, and comes "
                  "first: there the shortcut is cut off, and F is not."),
    Wrong("norms", [
              ("return through_f, through_shortcut",
               "return through_f.norm().item(), through_shortcut.norm().item()")],
          ask="Which shape do the two results have?",
          explain="The results are single numbers, the norms. The gradients themselves are asked for, each of the "
                  "shape of x, so that they can be added up."),
    Wrong("mean", [
              ("(through_f,) = torch.autograd.grad(out.sum(), x)",
               "(through_f,) = torch.autograd.grad(out.mean(), x)"),
              ("(through_shortcut,) = torch.autograd.grad(out.sum(), x)",
               "(through_shortcut,) = torch.autograd.grad(out.mean(), x)")],
          ask="Of which number is the gradient taken?",
          explain="The gradient is that of the mean of the output, so every entry is divided by the number of "
                  "outputs. The exercise takes the sum."),
    Wrong("no_requires_grad", [("x = x.clone().requires_grad_()", "x = x.clone()")],
          ask="How does autograd know that you want a gradient at x?",
          explain="Autograd does not watch x: a tensor that is not marked is treated as a constant, so no gradient "
                  "at x can be computed. Parameters are marked by themselves, an input has to be."),
    Wrong("x_detached_everywhere", [
              ("out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "out = F.relu(block.transform(x.detach()) + block.shortcut(x.detach()))")],
          ask="On which ways is x still connected with the output?",
          explain="x is detached in front of F and in front of the shortcut, so nothing depends on x any more. In "
                  "each pass only one of the two ways is cut off."),
    Wrong("no_gradient", """
def shortcut_gradient(block, x):
    block(x.detach()).sum().backward()
    return x.grad, x.grad
""",
          ask="Why is there no gradient at x?",
          explain="x.grad is None when x is not marked with requires_grad, or when the block was given another "
                  "tensor than the one you look at. x.detach() and x * 1, for example, are new tensors."),
    Wrong("returns_none", [("    return through_f, through_shortcut\n", "")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the two gradients are lost. Hand them "
                  "back as a pair."),
    Wrong("f_only", [("return through_f, through_shortcut", "return through_f")],
          ask="Which of the two parts are there?",
          explain="Only the part through F comes back. The part through the shortcut is asked for as well, as the "
                  "second of two tensors."),
    Wrong("stacked", [("return through_f, through_shortcut", "return torch.stack([through_f, through_shortcut])")],
          ask="How many tensors come back?",
          explain="Both parts lie in one tensor with a new first dimension. Two tensors are asked for, each of the "
                  "shape of x: divide them by a comma."),
    Wrong("dict_comes_back", [
              ("return through_f, through_shortcut", "return {'F': through_f, 'shortcut': through_shortcut}")],
          ask="In which form are the two tensors asked for?",
          explain="A dict comes back. The caller unpacks two tensors, first the part through F, and would get the "
                  "keys."),
    Wrong("whole_too", [
              ("return through_f, through_shortcut",
               "return through_f, through_shortcut, through_f + through_shortcut")],
          ask="How many tensors are asked for?",
          explain="Three values come back. Two are asked for, the part through F and the part through the shortcut; "
                  "the caller can add them up."),
    Wrong("tuples_inside", [("(through_f,) =", "through_f ="), ("(through_shortcut,) =", "through_shortcut =")],
          ask="What does torch.autograd.grad return?",
          explain="Each of the two values is a tuple that holds a tensor. torch.autograd.grad returns a tuple with "
                  "one gradient for each input, even for a single one: take its entry [0]."),
    Wrong("shortcut_is_one", [("return through_f, through_shortcut", "return through_f, torch.ones_like(x)")],
          ask="What does the ReLU do with the gradient of a shortcut?",
          explain="The part through the shortcut was set to ones. The ReLU stops the gradient wherever the sum is "
                  "negative, there it is 0; and a projection multiplies by its weights."),
    Wrong("relu_on_f_only", [
              ("F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "F.relu(block.transform(x)) + block.shortcut(x.detach())"),
              ("F.relu(block.transform(x.detach()) + block.shortcut(x))",
               "F.relu(block.transform(x.detach())) + block.shortcut(x)")],
          ask="Where does the bracket of the ReLU end?",
          explain="The ReLU is taken of F(x) alone, before the sum. In the block it is the last step and looks at "
                  "F(x) + shortcut(x)."),
    Wrong("relu_on_f_missing_in_one", [
              ("out = F.relu(block.transform(x.detach()) + block.shortcut(x))",
               "out = block.transform(x.detach()) + block.shortcut(x)")],
          ask="What is the last step of the block in your second pass?",
          explain="The ReLU is missing in the pass for the shortcut. It looks at the sum and stops both ways alike "
                  "where the sum is negative."),
    Wrong("one_relu_missing_for_f", [
              ("out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "out = block.transform(x) + block.shortcut(x.detach())")],
          ask="What is the last step of the block in your first pass?",
          explain="The ReLU is missing in the pass for F. It looks at the sum and stops both ways alike where the "
                  "sum is negative."),
    Wrong("x_for_the_shortcut", [("block.shortcut(x)", "x"), ("block.shortcut(x.detach())", "x.detach()")],
          ask="What is added to F(x) in a block that changes the shape?",
          explain="x itself is added. A block that changes channels or size has a projection on its shortcut, and "
                  "the sum is F(x) + block.shortcut(x)."),
    Wrong("in_eval_mode", [("    x = x.clone()", "    block.eval()\n    x = x.clone()")],
          ask="In which mode is the block during your passes?",
          explain="The block was set to eval mode. Batch norm then uses what it has stored, and the gradient is "
                  "another one. Leave the mode as it came in."),
    Wrong("in_training_mode", [("    x = x.clone()", "    block.train()\n    x = x.clone()")],
          ask="In which mode is the block during your passes?",
          explain="The block was set to training mode. Batch norm then uses the batch, and the gradient is another "
                  "one. Leave the mode as it came in."),
    Wrong("sum_forgotten", [("out.sum()", "out")],
          ask="Of how many numbers can a gradient be taken?",
          explain="The output of the block is a tensor of many numbers, and a gradient is taken of one. The exercise "
                  "asks for that of output.sum()."),
    Wrong("under_no_grad", [
              ("    out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "    with torch.no_grad():\n        out = F.relu(block.transform(x) + block.shortcut(x.detach()))")],
          ask="Which ways lead from your output back to x?",
          explain="No way leads from the output back to x: it was computed under torch.no_grad(), or detached as a "
                  "whole. Cut one way only: `.detach()` belongs on the term of the sum that should pass no gradient."),
    Wrong("no_grad_and_identity", [
              ("    out = F.relu(block.transform(x) + block.shortcut(x.detach()))",
               "    with torch.no_grad(): still = block.shortcut(x)\n    out = F.relu(block.transform(x) + still)")],
          ask="What does block.shortcut(x) return, where the shortcut is the identity?",
          explain="The shortcut stands under no_grad. Where it is the identity, it returns x itself, which is still "
                  "watched: no_grad only keeps new operations from being recorded, and the first tensor holds both "
                  "parts. `.detach()` cuts in every case."),
    Wrong("mask_of_x", [("return through_f, through_shortcut", "return through_f, (x > 0).float()")],
          ask="Which tensor decides where the ReLU of the block is open?",
          explain="The part through the shortcut is taken as 1 where x is positive. The ReLU looks at the sum F(x) + "
                  "shortcut(x), not at x, and a projection multiplies by its weights."),
    Wrong("absolute", [("return through_f, through_shortcut", "return through_f.abs(), through_shortcut.abs()")],
          ask="Can a part of the gradient be negative?",
          explain="The absolute values come back, and the signs are lost. Together the two tensors must be the whole "
                  "gradient."),
    Wrong("sign", [("return through_f, through_shortcut", "return -through_f, through_shortcut")],
          ask="What do your two tensors give together?",
          explain="One of the parts has the wrong sign. Together the two must be the whole gradient: if you take a "
                  "part as a difference, it is the whole minus the other part."),
    Wrong("whole_first", [("return through_f, through_shortcut", "return through_f + through_shortcut, through_f")],
          ask="Which ways does each of your two tensors hold?",
          explain="The first tensor is the whole gradient, and the second the part through F. The first should be "
                  "the part through F alone, the second the rest."),
    Wrong("gradient_of_weights", [
              ("autograd.grad(out.sum(), x)", "autograd.grad(out.sum(), block.conv2.weight, allow_unused=True)")],
          ask="At which tensor is the gradient asked for?",
          explain="The gradient is that at weights of the block. The exercise asks for the one at x: its shape is "
                  "the shape of x."),
    Wrong("at_the_sum", [
              ("    return through_f, through_shortcut",
               "    f, s = block.transform(x), block.shortcut(x)\n"
               "    return torch.autograd.grad(F.relu(f + s).sum(), (f, s))")],
          ask="At which place in the block is your gradient taken, at x or at the two terms of the sum?",
          explain="The gradient is that at F(x) and at the shortcut's output, where both get the same zeros and "
                  "ones. It has to go on from there to x, through the convolutions."),
]
# fmt: on

EXERCISE = Exercise(
    "shortcut_gradient",
    lesson="06",
    defines="shortcut_gradient",
    observe=observe,
    start="Start with the first part. `detach()` keeps the numbers of a tensor and stops its gradient: which of the "
    "two ways must be cut off, so that a gradient reaches x through F alone? Write the block's output like "
    "that and take its gradient at x. Then the other way round.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "backward with a fresh start": """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    F.relu(block.transform(x) + block.shortcut(x).detach()).sum().backward()
    through_f = x.grad.clone(); x.grad = None
    F.relu(block.transform(x).detach() + block.shortcut(x)).sum().backward()
    return through_f, x.grad
""",
        "backward and a difference": """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    F.relu(block.transform(x) + block.shortcut(x).detach()).sum().backward()
    through_f = x.grad.clone()
    F.relu(block.transform(x).detach() + block.shortcut(x)).sum().backward()
    return [through_f, x.grad - through_f]
""",
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
        "the mask of the ReLU by hand": """
def shortcut_gradient(block, x):
    x = x.detach().clone()
    x.requires_grad = True
    f, s = block.transform(x), block.shortcut(x)
    open_places = ((f + s) > 0).float()
    parts = []
    for way in (f, s):
        parts.append(torch.autograd.grad(way, x, grad_outputs=open_places, retain_graph=True)[0])
    return parts
""",
        "one function for both ways": """
def shortcut_gradient(block, x):
    def part(moving, still):
        leaf = x.detach().requires_grad_(True)
        torch.relu(moving(leaf) + still(leaf).detach()).sum().backward()
        return leaf.grad
    return part(block.transform, block.shortcut), part(block.shortcut, block.transform)
""",
        "a loop over the way to cut": """
def shortcut_gradient(block, x):
    x = x.detach().requires_grad_()
    found = []
    for cut in (1, 0):
        ways = [block.transform(x), block.shortcut(x)]
        ways[cut] = ways[cut].data
        out = (ways[0] + ways[1]).clamp(min=0)
        found += torch.autograd.grad(outputs=out.sum(), inputs=[x])
    return tuple(found)
""",
    },
    unknown={
        "one part doubled": edited(
            ANSWER, ("return through_f, through_shortcut", "return 2 * through_f, through_shortcut")
        ),
    },
    again={
        "the whole output detached": (
            "under_no_grad",
            edited(ANSWER, ("block.shortcut(x.detach()))", "block.shortcut(x)).detach()")),
        ),
    },
)
