"""Lesson 06 · `zero_init_residual`: every block starts as the identity.

The network that comes in is a trained one, in which no scale is 0 or 1. Words say what has become of each
of its tensors, so that a wrong number and a wrong place are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.functions import expect_function
from resnet_course.checking.modules import SEED
from resnet_course.checking.seen import Seen
from resnet_course.checking.values import equal, kind_of
from resnet_course.models import BasicBlock, ResNet


class _Reads(TorchFunctionMode):
    """Notes which tensors an answer does something with."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[int] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.read |= {id(value) for value in (*args, *kwargs.values()) if isinstance(value, Tensor)}
        return func(*args, **kwargs)


def observe(answer: Any) -> Iterator[Seen]:
    """What became of the tensors of a small network; handing it back is as right as handing back nothing."""
    expect_function("zero_init_residual", answer)
    model = _trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    last = [module.bn2.weight for module in model.modules() if isinstance(module, BasicBlock)]
    kinds = _kinds(model)
    reads = _Reads()
    try:
        with reads:
            result = answer(model)
    finally:
        looked_at = sum(id(weight) in reads.read for weight in last)
        yield Seen("the number of last batch norms whose scale is looked at", looked_at, judges=False)
    another = isinstance(result, nn.Module) and result is not model
    yield Seen("whether another model comes back", another, judges=False)
    yield Seen("whether the model has the layers that it had", _kinds(model) == kinds)
    after = model.state_dict()
    for name, tensor in before.items():
        yield Seen(f"what {name} holds after the call", _became(after.get(name), tensor))
    yield Seen("whether all parameters can still learn", all(p.requires_grad for p in model.parameters()))


def _trained() -> ResNet:
    torch.manual_seed(SEED)
    model = ResNet(BasicBlock, [2, 2, 3], width=4, shortcut="B")
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return model


def _kinds(model: nn.Module) -> list[tuple[str, str]]:
    return [(name, kind_of(module) + type(module).__name__) for name, module in model.named_modules()]


def _became(now: Any, before: Tensor) -> str:
    """What has become of a tensor."""
    if not isinstance(now, Tensor):
        return "nothing"
    if now.shape != before.shape:
        return "numbers of another shape"
    if equal(now, before):
        return "what it held"
    if not now.any():
        return "zeros"
    if (now == 1).all():
        return "ones"
    return "numbers near zero" if now.abs().max() < 0.05 else "other numbers"


SETTING = """
from resnet_course.models import BasicBlock as CourseBlock

class BasicBlock(nn.Module):
    "The class that was written in the exercise before; the network is not built from it."
"""
ANSWER = """
def zero_init_residual(model):
    for module in model.modules():
        if isinstance(module, CourseBlock):
            nn.init.zeros_(module.bn2.weight)
"""
# fmt: off
WRONG = [
    Wrong("copy_changed", """
import copy
def zero_init_residual(model):
    new = copy.deepcopy(model)
    for module in new.modules():
        if isinstance(module, CourseBlock):
            nn.init.zeros_(module.bn2.weight)
    return new
""",
          ask="What has changed in the model that was handed in?",
          explain="The model is as before: a copy was changed and handed back. The exercise asks you to change the "
                  "model itself, since its optimizer may already hold these parameters."),
    Wrong("nothing_changed", [("for module in model.modules():", "for module in model.children():")],
          ask="No weight has changed, so which blocks did the loop find?",
          explain="No scale of the model was touched: the loop found no block in it, or walks through something else "
                  "than `model`. isinstance has to ask for the class that this network is built from, CourseBlock, "
                  "which is not the class that you wrote above; and model.modules(), unlike children(), reaches the "
                  "blocks inside the stages."),
    Wrong("first_batch_norm", [("nn.init.zeros_(module.bn2.weight)", "nn.init.zeros_(module.bn1.weight)")],
          ask="Which of the two batch norms ends F?",
          explain="F ends with the second batch norm, and here the first was set to zero. In a new network F(x) is "
                  "then zero too, but the ReLU after this batch norm gets only zeros and passes no gradient at 0: "
                  "this scale never moves, and F never becomes more than a shift."),
    Wrong("both_batch_norms", [
              ("nn.init.zeros_(module.bn2.weight)",
               "nn.init.zeros_(module.bn2.weight); nn.init.zeros_(module.bn1.weight)")],
          ask="How many scales in a row start at zero?",
          explain="Two scales in a row start at zero. Neither ever gets a gradient then: what reaches the last one "
                  "is zero, and what comes back to the first is multiplied by zero. F would never become more than a "
                  "shift, so only the last batch norm starts at zero."),
    Wrong("bias_for_weight", [("nn.init.zeros_(module.bn2.weight)", "nn.init.zeros_(module.bn2.bias)")],
          ask="Which of batch norm's two parameters multiplies?",
          explain="Here the shift β was set to zero, the parameter called `bias`. It is zero in a new network "
                  "anyway, so nothing changes there and F(x) does not vanish. The scale γ is called `weight`."),
    Wrong("bias_too", [
              ("nn.init.zeros_(module.bn2.weight)",
               "nn.init.zeros_(module.bn2.weight); nn.init.zeros_(module.bn2.bias)")],
          ask="Which parameters of the batch norm have changed?",
          explain="Scale and shift were both set to zero. In a new network the shift is zero already; in a trained "
                  "one its value would be lost. Only the scale is asked for."),
    Wrong("convolution_for_batch_norm", [
              ("nn.init.zeros_(module.bn2.weight)", "nn.init.zeros_(module.conv2.weight)")],
          ask="Which kind of layer was set to zero?",
          explain="A convolution was set to zero. F(x) vanishes then too, but the batch norm after it divides by "
                  "the deviation of zeros: only eps = 0.00001 is left under the root, and it makes the gradient "
                  "about 300 times as large. Set the scale of the batch norm."),
    Wrong("ones", [("nn.init.zeros_(module.bn2.weight)", "nn.init.ones_(module.bn2.weight)")],
          ask="For which value of its scale does a batch norm give zero?",
          explain="The scale was set to one. That is how every batch norm starts anyway, so nothing has changed in a "
                  "new network. F(x) vanishes only when it is multiplied by zero."),
    Wrong("projection_too", [
              ("            nn.init.zeros_(module.bn2.weight)\n",
               "            for m in [module.bn2, *module.shortcut[1:]]: nn.init.zeros_(m.weight)\n")],
          ask="Is the changed batch norm part of F, or of the shortcut?",
          explain="The batch norm of the shortcut was set to zero as well. A block with a projection then gives zero "
                  "for every image, and not its shortcut: all that the layers before it found is lost. Only F has to "
                  "vanish."),
    Wrong("everywhere", """
def zero_init_residual(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.weight)
""",
          ask="Which batch norms of the network were set to zero?",
          explain="All batch norms were set to zero, that of the stem and the first of each block too. Every image "
                  "then becomes zeros, and all get the same logits. Only the last batch norm of each block is meant."),
    Wrong("first_block_only", [
              ("            nn.init.zeros_(module.bn2.weight)\n",
               "            nn.init.zeros_(module.bn2.weight)\n            return model\n")],
          ask="How many blocks were changed?",
          explain="Only the first block was changed: the loop ends in its first turn, with a return or a break "
                  "inside it. Every block should start as the identity."),
    Wrong("last_block_only", """
def zero_init_residual(model):
    nn.init.zeros_(list(model.layer3)[-1].bn2.weight)
""",
          ask="How many of the blocks start as the identity now?",
          explain="Only the last block of the network starts as the identity. Each block has its own F, so each of "
                  "them has to be changed inside the loop, not after it."),
    Wrong("last_of_each_stage", """
def zero_init_residual(model):
    for stage in model.stages:
        nn.init.zeros_(stage[-1].bn2.weight)
""",
          ask="Which blocks of a stage were changed?",
          explain="Only the last block of each stage was changed. The other blocks have an F as well, and with them "
                  "the network does not start as a row of identities. Every block has to be changed."),
    Wrong("frozen", [
              ("nn.init.zeros_(module.bn2.weight)",
               "nn.init.zeros_(module.bn2.weight); module.bn2.weight.requires_grad = False")],
          ask="Which scales can the optimizer still change?",
          explain="requires_grad is off for these scales, so F(x) stays zero for good. Zero is only the value to "
                  "start from; the parameter has to go on learning."),
    Wrong("no_grad_missing", [("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight *= 0")],
          ask="What does autograd say to a parameter that is changed in place?",
          explain="Autograd refuses the change: a parameter that waits for a gradient must not be overwritten while "
                  "operations are recorded. The functions of nn.init switch the recording off, and torch.no_grad() "
                  "does it for lines of your own."),
    Wrong("number_assigned", [("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight = 0")],
          ask="What kind of object is the `weight` of a batch norm?",
          explain="A batch norm's `weight` is a Parameter with one number for each channel, and PyTorch refuses to "
                  "put a plain number in its place. Keep the object, and set the numbers in it to zero in place."),
    Wrong("tensor_assigned", [
              ("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight = torch.zeros_like(module.bn2.weight)")],
          ask="What kind of object must the `weight` of a batch norm be?",
          explain="A batch norm's `weight` must be a Parameter, since that is what the optimizer changes; PyTorch "
                  "refuses a plain tensor. Keep the object, and set the numbers in it to zero in place."),
    Wrong("stem_too", [("    for module", "    nn.init.zeros_(model.bn1.weight)\n    for module")],
          ask="Which batch norm outside of the blocks was changed?",
          explain="The batch norm of the stem became zero as well. Then zeros reach the first block, whatever the "
                  "image is, and nothing else can come out of the network. The stem is no block and keeps its scale."),
    Wrong("every_name_with_bn", """
def zero_init_residual(model):
    for name, parameter in model.named_parameters():
        if "bn" in name and "weight" in name:
            nn.init.zeros_(parameter)
""",
          ask="Which parameters have 'bn' in their names?",
          explain="The first batch norm of each block and that of the stem have become zero as well. Only the last "
                  "one of each block is meant, `bn2`."),
    Wrong("copy_of_the_weight", [
              ("nn.init.zeros_(module.bn2.weight)", "nn.init.zeros_(module.bn2.weight.detach().clone())")],
          ask="Is it the weight itself that becomes zero, or a tensor beside it?",
          explain="The scale was read, and what became zero is another tensor: a copy, its gradient, or a new tensor "
                  "under a name of its own. `w = torch.zeros_like(w)` lets the name w point elsewhere and leaves the "
                  "model as it was. Change the parameter in place."),
    Wrong("last_of_the_list", [
              ("            nn.init.zeros_(module.bn2.weight)\n",
               "            nn.init.zeros_([m for m in module.modules() if type(m) is nn.BatchNorm2d][-1].weight)\n")],
          ask="Which batch norm comes last in the list, if the block has a projection?",
          explain="In a block with a projection, the last batch norm of the list is the one of the shortcut. It "
                  "became zero, and F stayed as it was. The last batch norm of F is `bn2`."),
    Wrong("identity_shortcuts_only", [
              ("isinstance(module, CourseBlock)", "isinstance(module, CourseBlock) and len(module.shortcut) == 0")],
          ask="What does F(x) give in a block with a projection?",
          explain="The blocks with a projection were left out. Their F should vanish at the start as well, so that "
                  "they begin as their shortcut alone."),
    Wrong("projections_only", [
              ("isinstance(module, CourseBlock)", "isinstance(module, CourseBlock) and len(module.shortcut) > 0")],
          ask="Which blocks were left out?",
          explain="Only the blocks with a projection were changed. Those with an identity shortcut have an F too, "
                  "and are most of the network."),
    Wrong("first_of_each_stage", """
def zero_init_residual(model):
    for stage in (model.layer1, model.layer2, model.layer3):
        nn.init.zeros_(stage[0].bn2.weight)
""",
          ask="How many blocks of each stage were changed?",
          explain="Only the first block of each stage was changed. A stage has several, and each has an F that "
                  "should start at zero."),
    Wrong("first_stage_only", """
def zero_init_residual(model):
    for block in model.layer1:
        nn.init.zeros_(block.bn2.weight)
""",
          ask="Which stages were changed?",
          explain="Only the first stage was changed. The blocks of the other stages should start as the identity as "
                  "well; model.modules() reaches all of them."),
    Wrong("first_stage_left_out", """
def zero_init_residual(model):
    for stage in (model.layer2, model.layer3):
        for block in stage:
            nn.init.zeros_(block.bn2.weight)
""",
          ask="Which stages were changed?",
          explain="One stage was left out. All blocks of the network should start as the identity; model.modules() "
                  "reaches every one of them."),
    Wrong("not_zero", [("zeros_(module.bn2.weight)", "constant_(module.bn2.weight, 0.5)")],
          ask="Which numbers stand in the scale after your call?",
          explain="The scale holds other numbers than before, and they are not 0. Only 0 makes F(x) vanish. To "
                  "subtract or to divide is not enough in a network whose scales are no longer 1: set them."),
    Wrong("nearly_zero", [("zeros_(module.bn2.weight)", "constant_(module.bn2.weight, 1e-3)")],
          ask="Is the scale zero, or only small?",
          explain="The scale is small and not 0, so the block is not yet the identity. Exactly 0 is no problem here: "
                  "the scale itself gets a gradient and moves in the first step."),
    Wrong("none_assigned", [("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight = None")],
          ask="What does a batch norm without a weight multiply by?",
          explain="The weight was taken away: None. Such a batch norm multiplies by nothing, as if the scale were 1, "
                  "and there is nothing left that could learn. Set the numbers of the parameter to zero."),
    Wrong("one_number", [
              ("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight = nn.Parameter(torch.zeros(1))")],
          ask="How many numbers does the scale of a batch norm hold?",
          explain="The new parameter has another shape than the old one. Batch norm needs one number for each "
                  "channel; torch.zeros_like takes the shape over, and nn.init.zeros_ keeps the parameter."),
    Wrong("first_batch_norm_too", [
              ("nn.init.zeros_(module.bn2.weight)",
               "for p in (module.bn2.weight, *module.bn1.parameters()): nn.init.zeros_(p)")],
          ask="Which layers of the block were changed beside the last batch norm?",
          explain="Scale and shift of the first batch norm were changed too. Then no gradient reaches it, or what "
                  "stands in front of it. Only the scale of the last one starts at zero."),
    Wrong("all_convolutions", [
              ("nn.init.zeros_(module.bn2.weight)",
               "nn.init.zeros_(module.conv1.weight); nn.init.zeros_(module.conv2.weight)")],
          ask="Which kind of layer has the scale γ?",
          explain="The convolutions were set to zero. γ is the `weight` of the batch norm after them. With two "
                  "layers of zeros in a row none of them would get a gradient."),
    Wrong("whole_block", [
              ("nn.init.zeros_(module.bn2.weight)", "for p in module.parameters(): nn.init.zeros_(p)")],
          ask="How many parameters of each block are zero now?",
          explain="All parameters of the blocks are zero. Nothing in F could ever learn, and a projection passes "
                  "nothing on. Only the scale of the last batch norm starts at zero."),
    Wrong("statistics", [("module.bn2.weight", "module.bn2.running_var")],
          ask="Is it a parameter that was changed, or what batch norm has stored?",
          explain="The stored mean or variance was changed. In training batch norm does not use them, so F(x) does "
                  "not vanish. The scale γ is the parameter `weight`."),
    Wrong("layer_replaced", [("nn.init.zeros_(module.bn2.weight)", "module.bn2 = nn.Identity()")],
          ask="Which layers do the blocks have after your call?",
          explain="A layer was replaced by another one. The network should keep its layers, and its optimizer the "
                  "parameters: only numbers change."),
    Wrong("layer_for_parameter", [("module.bn2.weight", "module.bn2")],
          ask="What do the functions of nn.init take, a layer or a tensor?",
          explain="The whole batch norm was handed over, or used like a tensor. The functions of nn.init fill "
                  "tensors; the scale is the layer's attribute `weight`."),
    Wrong("no_brackets", [("model.modules()", "model.modules")],
          ask="Is it the modules that your loop walks through, or the method that would give them?",
          explain="A method without brackets is not called, and a loop cannot walk through it: model.modules() with "
                  "brackets gives the modules."),
    Wrong("model_for_block", [
              ("        if isinstance(module, CourseBlock):\n            nn.init", "        nn.init")],
          ask="Do all modules have a bn2?",
          explain="model.modules() gives the network itself, its stages and its layers too, and these have no `bn2`. "
                  "Ask with isinstance whether a module is a block."),
]
# fmt: on

EXERCISE = Exercise(
    "zero_init_residual",
    lesson="06",
    defines="zero_init_residual",
    observe=observe,
    setting=SETTING,
    start="Loop over model.modules() and ask of each with isinstance whether it is a CourseBlock. Which of a block's "
    "batch norms comes last in F? The functions of nn.init, such as nn.init.zeros_, set the numbers of a "
    "parameter in place.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "model comes back": edited(
            ANSWER,
            (
                "            nn.init.zeros_(module.bn2.weight)\n",
                "            nn.init.zeros_(module.bn2.weight)\n    return model\n",
            ),
        ),
        "no_grad": edited(
            ANSWER, ("nn.init.zeros_(module.bn2.weight)", "with torch.no_grad(): module.bn2.weight.zero_()")
        ),
        "data": edited(ANSWER, ("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight.data *= 0")),
        "new parameter": edited(
            ANSWER,
            (
                "nn.init.zeros_(module.bn2.weight)",
                "module.bn2.weight = nn.Parameter(torch.zeros_like(module.bn2.weight))",
            ),
        ),
        "by attribute": edited(ANSWER, ("if isinstance(module, CourseBlock):", "if hasattr(module, 'bn2'):")),
        "by name": """
@torch.no_grad()
def zero_init_residual(model):
    for name, parameter in model.named_parameters():
        if name.endswith("bn2.weight"):
            parameter.fill_(0.0)
""",
        "apply": """
def zero_init_residual(model):
    def visit(module):
        if type(module) is CourseBlock:
            nn.init.constant_(module.bn2.weight, 0)
    return model.apply(visit)
""",
    },
    again={
        "the class that was written before": (
            "nothing_changed",
            edited(ANSWER, ("CourseBlock", "BasicBlock")),
        ),
        "a new name for a new tensor": (
            "copy_of_the_weight",
            edited(
                ANSWER,
                ("nn.init.zeros_(module.bn2.weight)", "weight = module.bn2.weight; weight = torch.zeros_like(weight)"),
            ),
        ),
        "halved": ("not_zero", edited(ANSWER, ("nn.init.zeros_(module.bn2.weight)", "module.bn2.weight.data /= 2"))),
    },
)
