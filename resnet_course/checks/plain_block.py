"""Lesson 04 · `plain_block`: two convolutions, each with its batch norm and ReLU, and no shortcut."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_class
from resnet_course.models import PlainBlock

# Odd sizes too: there a stride of 2 rounds up.
CASES = (((4, 4, 1), (3, 4, 9, 9)), ((4, 6, 1), (3, 4, 7, 7)), ((4, 8, 2), (3, 4, 8, 8)), ((4, 4, 2), (3, 4, 5, 5)))

ANSWER = """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        return out
"""
# fmt: off
WRONG = [
    Wrong("no_relu_between", [("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")],
          ask="What stands between the first batch norm and the second convolution?",
          explain="No ReLU stands between the two convolutions. Convolution, batch norm, convolution are then one "
                  "linear map (plus a constant) in eval mode, so the second convolution adds little. A ReLU has to "
                  "come after the first batch norm."),
    Wrong("no_final_relu", [("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")],
          ask="What happens after the second batch norm?",
          explain="Nothing follows the second batch norm, and negative numbers leave the block. A plain block ends "
                  "with a ReLU; without it, in eval mode, the last convolution of a block and the first of the next "
                  "are one linear map together."),
    Wrong("stride_on_both", [
              ("planes, planes, 3, padding=1", "planes, planes, 3, stride=stride, padding=1")],
          ask="Which of the two convolutions carries the stride?",
          explain="Both convolutions carry the stride, so a stride of 2 divides height and width by 4: 8×8 becomes "
                  "2×2. A block makes the image smaller once, in its first convolution."),
    Wrong("stride_forgotten", [("stride=stride, ", "")],
          ask="Which layer is told about `stride`?",
          explain="No layer uses `stride`: both convolutions have stride 1, so PlainBlock(16, 32, stride=2) gives "
                  "8×8 for 8×8, where it should give 4×4. The first convolution has to take it."),
    Wrong("bias_left_on", [(", bias=False", "")],
          ask="What becomes of a convolution's bias in the batch norm after it?",
          explain="A bias in front of a batch norm is lost: batch norm subtracts the mean of each channel, and the "
                  "bias with it, then adds a shift of its own. The bias would only be a parameter without effect, so "
                  "both convolutions are built without one."),
    Wrong("no_batch_norm", [("nn.BatchNorm2d(planes)", "nn.Identity()")],
          ask="What comes after each convolution?",
          explain="There is no batch norm in the block. It brings each channel to mean 0 and deviation 1 over the "
                  "batch, then scales and shifts it; lesson 04 uses one after every convolution, and leaves the "
                  "bias out because of it."),
    Wrong("shared_batch_norm", [
              ("self.bn2(self", "self.bn1(self"),
              ("        self.bn2 = nn.BatchNorm2d(planes)\n", "")],
          ask="How many batch norms does the block have?",
          explain="There is one batch norm, used twice. Its scale, its shift and its stored mean and variance then "
                  "serve two different convolutions at once and fit neither. Each convolution needs its own."),
    Wrong("with_shortcut", [
              ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))"),
              ("        return out", "        return F.relu(out + x) if out.shape == x.shape else F.relu(out)")],
          ask="What is added to the result of the two convolutions?",
          explain="Here x is added, where the shapes allow it. That is the residual block of lesson 05. A plain "
                  "block is only its layers in a row, so that the two can be compared."),
    Wrong("no_expansion", [("    expansion = 1\n", "")],
          ask="Where does the class say how many channels go out for each of `planes`?",
          explain="The class attribute `expansion` is missing. ResNet reads it from every block class to know the "
                  "channels after the block. It is 1 here, since `planes` channels go out."),
    Wrong("stride_on_second", [
              ("in_planes, planes, 3, stride=stride, padding=1", "in_planes, planes, 3, padding=1"),
              ("planes, planes, 3, padding=1, bias=False)\n        self.bn2",
               "planes, planes, 3, stride=stride, padding=1, bias=False)\n        self.bn2")],
          ask="Which of the two convolutions carries the stride?",
          explain="The second convolution carries the stride here. Shapes and parameters are the same either way, but "
                  "the first convolution then works on the large image and costs four times as much."),
    Wrong("no_relu", [("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))"),
                      ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")],
          ask="Which step of the block is not linear?",
          explain="There is no ReLU at all. In eval mode a chain of convolutions and batch norms is one linear map "
                  "(plus a constant), however many there are. A ReLU follows each batch norm."),
    Wrong("relu_before_batch_norm", [
              ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(F.relu(self.conv1(x)))"),
              ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(F.relu(self.conv2(out)))")],
          ask="In which order do batch norm and ReLU come?",
          explain="The ReLU stands before the batch norm, so the batch norm shifts what the ReLU has cut, and "
                  "negative numbers leave the block. The order is convolution, batch norm, ReLU."),
    Wrong("batch_norm_first", [
              ("self.bn1 = nn.BatchNorm2d(planes)", "self.bn1 = nn.BatchNorm2d(in_planes)"),
              ("F.relu(self.bn1(self.conv1(x)))", "self.conv1(F.relu(self.bn1(x)))"),
              ("F.relu(self.bn2(self.conv2(out)))", "self.conv2(F.relu(self.bn2(out)))")],
          ask="Which layer meets x first?",
          explain="Batch norm and ReLU come before each convolution here. That order has a name, pre-activation, and "
                  "belongs to a later paper. In this block they follow the convolution."),
    Wrong("no_batch_norm_1", [("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.conv1(x))")],
          ask="Which steps lie between the first convolution and its ReLU?",
          explain="The first convolution is not followed by a batch norm. It has no bias, so nothing can shift the "
                  "place where the ReLU cuts."),
    Wrong("no_batch_norm_2", [("F.relu(self.bn2(self.conv2(out)))", "F.relu(self.conv2(out))")],
          ask="Which steps lie between the second convolution and its ReLU?",
          explain="The second convolution is not followed by a batch norm. Every convolution of the block has one."),
    Wrong("second_from_x", [("self.conv2(out)", "self.conv2(x)")],
          ask="Which tensor does the second convolution get?",
          explain="The second convolution gets x, the input of the block, and not what the first half has made of "
                  "it. The first half is then computed and lost."),
    Wrong("in_planes_twice", [
              ("self.conv2 = nn.Conv2d(planes, planes", "self.conv2 = nn.Conv2d(in_planes, planes")],
          ask="How many channels reach the second convolution?",
          explain="The second convolution is built for in_planes channels, but the first has already made `planes` of "
                  "them. With PlainBlock(16, 16) nobody notices; PlainBlock(16, 32) stops with an error."),
    Wrong("planes_swapped", [("nn.Conv2d(in_planes, planes, 3", "nn.Conv2d(planes, in_planes, 3")],
          ask="Which of its two numbers of channels does nn.Conv2d take first?",
          explain="The first convolution is built for `planes` channels at its entrance. nn.Conv2d takes the channels "
                  "that come in first, then those that go out."),
    Wrong("no_padding", [(", padding=1", "")],
          ask="What does a 3x3 convolution without padding do to height and width?",
          explain="Without padding each 3×3 convolution takes away one row or column on every side: 8×8 becomes 4×4 "
                  "after two of them. One pixel of padding keeps the size."),
    Wrong("kernel_1", [("planes, 3, stride=stride, padding=1", "planes, 1, stride=stride, padding=0")],
          ask="How many pixels does the kernel of each convolution look at?",
          explain="A 1×1 kernel looks at one pixel alone, and the block sees less of the image than it should. Both "
                  "convolutions are 3×3."),
    Wrong("returns_none", [("        return out", "")],
          ask="What does forward give back?",
          explain="forward gives None, as every Python function without a `return` does, and the next layer stops "
                  "with an error. The result of the last ReLU is handed back."),
    Wrong("no_default_stride", [("stride=1)", "stride)")],
          ask="What does PlainBlock(16, 16) do, called with two numbers?",
          explain="`stride` has no default, so PlainBlock(16, 16) raises an error. Most blocks of a network keep the "
                  "size, so the argument is 1 when nothing is said."),
    Wrong("default_stride_2", [("stride=1)", "stride=2)")],
          ask="What does PlainBlock(16, 16) make of an image of 8×8?",
          explain="The default of `stride` is 2, so a block that is made with two numbers halves the image. Most "
                  "blocks of a network keep the size: the default is 1."),
    Wrong("wrong_expansion", [("expansion = 1", "expansion = 4")],
          ask="How many channels leave PlainBlock(16, 16)?",
          explain="The class says that four times `planes` channels leave the block, and `planes` do. ResNet would "
                  "build the next block for the wrong number. `expansion` is 1 here."),
]
# fmt: on

EXERCISE = Exercise(
    "plain_block",
    lesson="04",
    defines="PlainBlock",
    reference=PlainBlock,
    observe=observe_class("PlainBlock", CASES),
    start="In __init__ make four layers: convolution, batch norm, convolution, batch norm. Only the first convolution "
    "sees in_planes and the stride. In forward send x through them, with a ReLU after each batch norm.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "one Sequential, in-place ReLUs": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True),
            nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.layers(x)
""",
        "a function that returns a Sequential": """
def PlainBlock(in_planes, planes, stride=1):
    def half(i, o, s):
        return [nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*half(in_planes, planes, stride), *half(planes, planes, 1))

PlainBlock.expansion = 1
""",
        "other names, declared in another order": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.second_norm = nn.BatchNorm2d(planes)
        self.second = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(planes)
        self.first = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)

    def forward(self, x):
        x = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(x)))
""",
        "ModuleList, clamp in place of relu": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False),
                                    nn.Conv2d(planes, planes, 3, 1, 1, bias=False)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).clamp(min=0)
        return x
""",
        "raw parameters": """
class PlainBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.stride = stride
        for i, inside in enumerate((in_planes, planes)):
            self.register_parameter(f"w{i}", nn.Parameter(0.1 * torch.randn(planes, inside, 3, 3)))
            self.register_parameter(f"gamma{i}", nn.Parameter(torch.ones(planes)))
            self.register_parameter(f"beta{i}", nn.Parameter(torch.zeros(planes)))
            self.register_buffer(f"mean{i}", torch.zeros(planes))
            self.register_buffer(f"var{i}", torch.ones(planes))

    def forward(self, x):
        x = F.conv2d(x, self.w0, None, self.stride, 1)
        x = F.relu(F.batch_norm(x, self.mean0, self.var0, self.gamma0, self.beta0, self.training))
        x = F.conv2d(x, self.w1, padding=1)
        return F.relu(F.batch_norm(x, self.mean1, self.var1, self.gamma1, self.beta1, self.training))
""",
        "a subclass of Sequential, named by a loop": """
class PlainBlock(nn.Sequential):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        for i, (inside, step) in enumerate([(in_planes, stride), (planes, 1)], start=1):
            self.add_module(f"conv{i}", nn.Conv2d(inside, planes, (3, 3), (step, step), (1, 1), bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(planes))
            self.add_module(f"relu{i}", nn.ReLU())
""",
        "ModuleDict, setattr, maximum in place of relu": """
class PlainBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        for half, inside, step in (("a", in_planes, stride), ("b", planes, 1)):
            conv = nn.Conv2d(inside, planes, 3, step, "same" if step == 1 else 1, bias=False)
            setattr(self, half, nn.ModuleDict({"norm": nn.BatchNorm2d(planes), "conv": conv}))

    def forward(self, x):
        for half in (self.a, self.b):
            x = half["norm"](half["conv"](x))
            x = torch.maximum(x, torch.zeros_like(x))
        return x

PlainBlock.expansion = 1
""",
    },
    unknown={
        "another activation": edited(
            ANSWER, ("out = F.relu(self.bn1(self.conv1(x)))", "out = torch.tanh(self.bn1(self.conv1(x)))")
        ),
    },
)
