"""Lesson 07 · `projection_shortcut`: option B, a 1×1 convolution and a batch norm."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_factory
from resnet_course.models import projection_shortcut

CASES = (
    ((4, 6, 1), (3, 4, 6, 6)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((6, 4, 2), (3, 6, 7, 7)),
    ((4, 4, 2), (3, 4, 9, 9)),
    ((5, 5, 1), (3, 5, 7, 7)),  # who calls it wants a projection, whatever the shapes are
)

ANSWER = """
def projection_shortcut(in_planes, out_planes, stride):
    return nn.Sequential(
        nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_planes),
    )
"""
# fmt: off
WRONG = [
    Wrong("no_batch_norm", [("        nn.BatchNorm2d(out_planes),\n", "\n")],
          ask="What stands after the 1x1 convolution?",
          explain="Nothing stands after the 1x1 convolution. Like every convolution of the network it needs a batch "
                  "norm, which also adds the shift that a convolution without bias lacks."),
    Wrong("bias", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride),")],
          ask="What becomes of the bias of this convolution?",
          explain="The bias is lost: the batch norm after it subtracts the mean of each channel, and the bias with "
                  "it (lesson 03). Build the convolution without one."),
    Wrong("kernel_3", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=3, padding=1, stride=stride, bias=False),")],
          ask="How many pixels does the kernel look at?",
          explain="The kernel is 3×3 here and looks at nine pixels. The shortcut is only to bring x to the shape of "
                  "F(x): a 1x1 convolution mixes the channels of one pixel, with a ninth of the weights."),
    Wrong("kernel_like_stride", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=stride, stride=stride, bias=False),")],
          ask="How large is the kernel at stride 2, and how large at stride 3?",
          explain="The kernel grows with the stride here, perhaps so that no pixel is missed. The paper's projection "
                  "stays 1x1 and does skip three of four pixels at stride 2; the convolutions of F still see them."),
    Wrong("padding", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=1, padding=1, stride=stride, bias=False),")],
          ask="What does padding do to the size, if the kernel is 1x1?",
          explain="Padding adds a border, so 8×8 becomes 10×10 at stride 1, and x no longer fits F(x). A kernel of "
                  "one pixel never reaches over the edge and needs no padding."),
    Wrong("stride_forgotten", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=1, bias=False),")],
          ask="Which height does the shortcut have for 8 rows and stride 2?",
          explain="The convolution does not take the stride: at stride 2 the shortcut keeps 8 rows, and F(x) has 4. "
                  "The 1x1 convolution has to visit every second row and column only."),
    Wrong("stride_always_2", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=2, bias=False),")],
          ask="Which size does the shortcut give for stride 1?",
          explain="The image is always halved, also for stride 1, because the 2 is fixed. There are projections at "
                  "stride 1, for example from 64 to 256 channels in ResNet-50. Use the argument."),
    Wrong("average_pooling", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(in_planes, out_planes, kernel_size=1, bias=False),")],
          ask="Which layer makes the image smaller?",
          explain="An average pooling in front of the convolution makes the image smaller here. Later networks do "
                  "that, and so does option D further down in the lesson. In option B the 1x1 convolution has the "
                  "stride, and there is no pooling."),
    Wrong("max_pooling", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.MaxPool2d(stride, ceil_mode=True), nn.Conv2d(in_planes, out_planes, kernel_size=1, bias=False),")],
          ask="How does the image become smaller?",
          explain="A max pooling in front of the convolution makes the image smaller here; it takes the largest of "
                  "its pixels and not x itself. The 1x1 convolution can do it alone, with the stride."),
    Wrong("max_pooling_behind", [
              (", stride=stride, bias=False),", ", bias=False),\n        nn.MaxPool2d(stride),")],
          ask="Which layer makes the image smaller?",
          explain="The convolution computes all positions, and a max pooling behind it keeps the largest of each "
                  "window. Option B of the paper leaves positions out: the convolution itself has the stride."),
    Wrong("relu", [("nn.BatchNorm2d(out_planes),", "nn.BatchNorm2d(out_planes), nn.ReLU(),")],
          ask="What is the last layer of the projection?",
          explain="The last layer is a ReLU here, which sets the negative half of the shortcut to 0, so that it can "
                  "only add. The next step is the addition, and the block's ReLU comes after it."),
    Wrong("batch_norm_first", [
              ("    return nn.Sequential(\n", "    return nn.Sequential(\n        nn.BatchNorm2d(in_planes),\n"),
              ("        nn.BatchNorm2d(out_planes),\n", "")],
          ask="In which order do the two layers stand?",
          explain="The batch norm comes first here. It then brings x to a common size and not the result of the "
                  "convolution, and it has in_planes channels. It belongs after the convolution."),
    Wrong("batch_norm_of_input", [("nn.BatchNorm2d(out_planes),", "nn.BatchNorm2d(in_planes),")],
          ask="How many channels does the batch norm get?",
          explain="The batch norm gets the `out_planes` channels that leave the convolution, but it is built for "
                  "in_planes. Where the two differ, PyTorch stops with an error."),
    Wrong("planes_swapped", [
              ("nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),",
               "nn.Conv2d(out_planes, in_planes, kernel_size=1, stride=stride, bias=False),")],
          ask="Which of the two numbers does nn.Conv2d take first?",
          explain="nn.Conv2d takes the channels that come in first, then those that go out. Here they are the other "
                  "way round: from 16 to 32, the convolution expects 32 channels and gets 16."),
    Wrong("affine_off", [("nn.BatchNorm2d(out_planes),", "nn.BatchNorm2d(out_planes, affine=False),")],
          ask="Which parameters does your batch norm have?",
          explain="With affine=False the batch norm has neither scale nor shift. The convolution has no bias, so "
                  "nothing can shift the shortcut's channels. An ordinary nn.BatchNorm2d is meant."),
    Wrong("list_of_layers", [("return nn.Sequential(", "return ["), ("    )\n", "    ]\n")],
          ask="What happens when the result is called with x?",
          explain="A Python list cannot be called, and a block that holds it does not find its parameters. "
                  "nn.Sequential takes the layers and runs them one after the other."),
    Wrong("pair_of_layers", [("return nn.Sequential(", "return (")],
          ask="What kind of object comes back?",
          explain="A tuple comes back: a comma between two things makes one, and a tuple cannot be called with x. "
                  "nn.Sequential takes the layers and runs them one after the other."),
    Wrong("function_of_layers", """
def projection_shortcut(in_planes, out_planes, stride):
    conv = nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)
    norm = nn.BatchNorm2d(out_planes)
    return lambda x: norm(conv(x))
""",
          ask="Where would a block that holds your function find its parameters?",
          explain="A function comes back, and the layers are hidden inside it: a block that holds it does not find "
                  "their parameters, and no optimizer trains them. nn.Sequential takes the two layers, runs them one "
                  "after the other, and is a module."),
    Wrong("returns_none", [("return nn.Sequential(", "nn.Sequential(")],
          ask="What does the function give back?",
          explain="A Python function without a `return` gives back None, so the layers are built and lost. Hand the "
                  "module back."),
    Wrong("thinned_out_at_the_end", """
class Projection(nn.Module):
    def __init__(self, in_planes, out_planes, stride):
        super().__init__()
        self.conv = nn.Conv2d(in_planes, out_planes, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_planes)
        self.stride = stride

    def forward(self, x):
        return self.norm(self.conv(x))[..., ::self.stride, ::self.stride]


def projection_shortcut(in_planes, out_planes, stride):
    return Projection(in_planes, out_planes, stride)
""",
          ask="Of which pixels does the batch norm take mean and variance?",
          explain="Rows and columns are left out only after the batch norm, so in training mode its mean and variance "
                  "also count the pixels that are thrown away, and each of them was computed for nothing. The "
                  "convolution takes the stride."),
]
# fmt: on

EXERCISE = Exercise(
    "projection_shortcut",
    lesson="07",
    defines="projection_shortcut",
    reference=projection_shortcut,
    observe=observe_factory("projection_shortcut", CASES),
    start="Two layers in an nn.Sequential: a convolution with kernel_size=1, and a batch norm. Which of them carries "
    "the stride, and how many channels does the second one see?",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "named layers": """
from collections import OrderedDict
def projection_shortcut(in_planes, out_planes, stride):
    conv = nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(out_planes)))
""",
        "a module of its own": """
class Projection(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.norm = nn.BatchNorm2d(o)
        self.conv = nn.Conv2d(i, o, 1, stride=(s, s), padding=0, bias=False)

    def forward(self, x):
        return self.norm(self.conv(x))

def projection_shortcut(in_planes, out_planes, stride):
    return Projection(in_planes, out_planes, stride)
""",
        "pixels first": """
class Thin(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[..., ::self.stride, ::self.stride]

def projection_shortcut(in_planes, out_planes, stride):
    layers = [Thin(stride), nn.Conv2d(in_planes, out_planes, 1, bias=False)]
    layers.append(nn.BatchNorm2d(out_planes))
    return nn.Sequential(*layers)
""",
        "raw parameters": """
class Shortcut(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.stride = stride
        self.kernel = nn.Parameter(torch.randn(o, i, 1, 1) / i**0.5)
        self.scale, self.shift = nn.Parameter(torch.ones(o)), nn.Parameter(torch.zeros(o))
        self.register_buffer("mean", torch.zeros(o))
        self.register_buffer("var", torch.ones(o))

    def forward(self, x):
        out = F.conv2d(x, self.kernel, stride=self.stride)
        return F.batch_norm(out, self.mean, self.var, self.scale, self.shift, training=self.training)

projection_shortcut = Shortcut
""",
        "a subclass of Sequential": """
class projection_shortcut(nn.Sequential):
    def __init__(self, in_planes, out_planes, stride=1):
        super().__init__(nn.Conv2d(in_planes, out_planes, 1, stride, 0, 1, 1, False), nn.BatchNorm2d(out_planes))
""",
        "ModuleDict": """
class Both(nn.ModuleDict):
    def forward(self, x):
        for layer in self.values():
            x = layer(x)
        return x

def projection_shortcut(in_planes, out_planes, stride):
    conv = nn.Conv2d(in_planes, out_planes, (1, 1), (stride, stride), bias=None)
    return Both({"conv": conv, "bn": nn.BatchNorm2d(out_planes)})
""",
        "layers added one by one": """
def projection_shortcut(in_planes, out_planes, stride):
    settings = {"kernel_size": 1, "stride": stride, "bias": False}
    shortcut = nn.Sequential(nn.Identity())
    for name, layer in zip("ab", (nn.Conv2d(in_planes, out_planes, **settings), nn.BatchNorm2d(out_planes))):
        shortcut.add_module(name, layer)
    return shortcut
""",
    },
    unknown={
        "dropout": edited(ANSWER, ("nn.BatchNorm2d(out_planes),", "nn.BatchNorm2d(out_planes), nn.Dropout(0.5),")),
    },
)
