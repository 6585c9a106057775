"""Lesson 01 · `vgg_block`: convolutions with ReLUs, then a pooling."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_factory
from resnet_course.models import vgg_block

# Three convolutions tell "pool at the end" from "pool after each"; the odd height tells floor from ceil.
CASES = (((3, 5, 2), (2, 3, 9, 8)), ((3, 4, 1), (2, 3, 8, 8)), ((4, 4, 3), (2, 4, 8, 10)))

ANSWER = """
def vgg_block(in_channels, out_channels, num_convs):
    layers = []
    for i in range(num_convs):
        layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))
        layers.append(nn.ReLU())
        in_channels = out_channels
    layers.append(nn.MaxPool2d(kernel_size=2))
    return nn.Sequential(*layers)
"""
# fmt: off
WRONG = [
    Wrong("no_padding", [
              ("layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))",
               "layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3))")],
          ask="What does a 3×3 convolution do at the edge?",
          explain="Without padding a 3×3 convolution has no full window at the edge, so it takes one pixel off each "
                  "side: 8×8 becomes 6×6, then 4×4. Height and width may change in the pooling only; a border of one "
                  "zero pixel keeps the size."),
    Wrong("no_relu", [("        layers.append(nn.ReLU())\n", "")],
          ask="What comes after each convolution?",
          explain="There is no ReLU in the block. Convolutions in a row are then one linear map: away from the edge, "
                  "two of 3×3 compute nothing that a single 5×5 could not. A ReLU has to follow each of them."),
    Wrong("no_relu_between", """
def vgg_block(in_channels, out_channels, num_convs):
    layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1)]
    layers += [nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in range(num_convs - 1)]
    return nn.Sequential(*layers, nn.ReLU(), nn.MaxPool2d(2))
""",
          ask="What stands between two convolutions?",
          explain="The only ReLU comes after the last convolution. All convolutions in front of it are one linear "
                  "map together, so the extra layers bring little new. Each convolution needs its own ReLU."),
    Wrong("no_final_relu", [("layers.append(nn.ReLU())", "if i < num_convs - 1: layers.append(nn.ReLU())")],
          ask="What stands between the last convolution and the pooling?",
          explain="The last convolution has no ReLU, unlike those before it, so negative numbers leave the block. In "
                  "VGG every convolution is followed by a ReLU."),
    Wrong("relu_before_convolution", [
              ("        layers.append(nn.ReLU())\n", ""),
              ("layers.append(nn.Conv2d(", "layers.append(nn.ReLU()); layers.append(nn.Conv2d(")],
          ask="What happens to the negative numbers of the input?",
          explain="The ReLU stands in front of the convolution, so the negative numbers of the input become 0 before "
                  "any filter sees them; in normalised images that is about half of all numbers. And nothing follows "
                  "the last convolution. Each ReLU belongs after its convolution."),
    Wrong("no_pool", [("    layers.append(nn.MaxPool2d(kernel_size=2))\n", "")],
          ask="What is the height of the output, if the input has 8 rows?",
          explain="An image of 8 rows leaves the block with 8: the convolutions keep the size, and nothing else "
                  "changes it. The block must end with a max pooling, which halves height and width."),
    Wrong("pool_after_every_convolution", [
              ("    layers.append(nn.MaxPool2d(kernel_size=2))\n",
               "        layers.append(nn.MaxPool2d(kernel_size=2))\n")],
          ask="How often is the image halved, with three convolutions?",
          explain="There is a pooling after every convolution, so three of them make 8×8 into 1×1. A block halves "
                  "the image once, at its end: build the pooling after the loop."),
    Wrong("pool_stride_1", [
              ("layers.append(nn.MaxPool2d(kernel_size=2))", "layers.append(nn.MaxPool2d(kernel_size=2, stride=1))")],
          ask="By how many pixels does the pooling window move?",
          explain="The pooling window moves by 1, so the windows overlap and 8×8 only becomes 7×7. To halve the "
                  "image, the window must move by its own size, which is also what PyTorch does when no stride is "
                  "given."),
    Wrong("average_pool", [
              ("layers.append(nn.MaxPool2d(kernel_size=2))", "layers.append(nn.AvgPool2d(kernel_size=2))")],
          ask="Which number of each window of four goes on?",
          explain="The average goes on here. VGG uses max pooling, which keeps the largest of the four: it says that "
                  "a pattern was found in this window, however little of it the other three places show."),
    Wrong("pool_rounds_up", [
              ("layers.append(nn.MaxPool2d(kernel_size=2))", "layers.append(nn.MaxPool2d(2, ceil_mode=True))")],
          ask="What does the pooling make of 9 rows?",
          explain="With ceil_mode the pooling makes 5 rows of 9, the last window reaching over the edge. The block "
                  "should make 4: leave the rounding as PyTorch has it when nothing is said."),
    Wrong("stride_instead_of_pool", [
              ("padding=1", "padding=1, stride=2 if i == num_convs - 1 else 1"),
              ("    layers.append(nn.MaxPool2d(kernel_size=2))\n", "")],
          ask="Which layer makes the image smaller?",
          explain="The last convolution makes the image smaller here, with a stride of 2: it is computed at one "
                  "place of four only. VGG computes it at every place, and a max pooling then keeps the largest of "
                  "four numbers."),
    Wrong("same_input_channels", [("        in_channels = out_channels\n", "")],
          ask="How many channels reach the second convolution?",
          explain="Here every convolution is built for `in_channels`. But the second one gets what the first has "
                  "made, `out_channels`: for vgg_block(3, 10, 2) it gets 10 channels where it expects 3, and PyTorch "
                  "stops."),
    Wrong("num_convs_ignored", """
def vgg_block(in_channels, out_channels, num_convs):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )
""",
          ask="How many convolutions are there for num_convs=1, and how many for num_convs=3?",
          explain="There are always two convolutions, because the argument is not used. The number of convolution "
                  "and ReLU pairs must follow `num_convs`."),
    Wrong("one_convolution_too_many", """
def vgg_block(in_channels, out_channels, num_convs):
    layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU()]
    for _ in range(num_convs):
        layers += [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))
""",
          ask="How many convolutions are there for num_convs=2?",
          explain="There are three convolutions for num_convs=2: one that changes the channels, and then `num_convs` "
                  "more. The one that changes the channels counts as well."),
    Wrong("one_convolution_too_few", [("for i in range(num_convs):", "for i in range(1, num_convs):")],
          ask="How many convolutions does the loop build for num_convs=2?",
          explain="The loop builds only one convolution for num_convs=2. A range that starts at 1 makes one turn "
                  "less than its end says, so look at both ends of yours."),
    Wrong("shared_convolution", """
def vgg_block(in_channels, out_channels, num_convs):
    more = [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU()] * (num_convs - 1)
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(), *more, nn.MaxPool2d(2))
""",
          ask="How many sets of weights do three convolutions have?",
          explain="`[layer] * n` puts the same layer into the list n times. The places then share one set of weights "
                  "and learn the same filters. A new layer has to be built for each place."),
    Wrong("widens_at_the_end", """
def vgg_block(in_channels, out_channels, num_convs):
    layers = []
    for _ in range(num_convs - 1):
        layers += [nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.ReLU()]
    layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers)
""",
          ask="In which convolution does the number of channels grow?",
          explain="The number of channels grows only in the last convolution. With 3 input channels all earlier ones "
                  "have only 3 filters, and everything they find must fit into 3 channels. The first convolution "
                  "goes to `out_channels`, the others keep that number."),
    Wrong("kernel_5", [
              ("layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))",
               "layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=5, padding=2))")],
          ask="How large is the kernel?",
          explain="The kernel is 5×5 here. VGG's idea is to use only 3×3 and more of them: two 3×3 layers see 5×5 "
                  "pixels with 18 weights per pair of channels in place of 25, and with a ReLU between them."),
    Wrong("batch_norm", [
              ("layers.append(nn.ReLU())", "layers.append(nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU()))")],
          ask="Which layers stand in the block besides convolution, ReLU and pooling?",
          explain="There is a batch norm as well. It was published in 2015, after VGG, and lesson 03 brings it in; "
                  "this block has none."),
    Wrong("no_bias", [
              ("layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))",
               "layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False))")],
          ask="How many learned numbers does a convolution have besides its weights?",
          explain="The convolutions have no bias here. That is right in front of a batch norm, which has a shift of "
                  "its own, but this block has no batch norm, and VGG's convolutions keep their bias."),
    Wrong("list_of_layers", [("return nn.Sequential(*layers)", "return layers")],
          ask="What happens when the result is called on images?",
          explain="A Python list cannot be called, and its layers are not found as parts of a network. nn.Sequential "
                  "takes layers and runs them one after the other."),
    Wrong("returns_none", [("    return nn.Sequential(*layers)\n", "")],
          ask="What does the function hand back?",
          explain="A Python function without a `return` gives back None, so the layers are built and lost. Hand the "
                  "nn.Sequential back."),
]
# fmt: on

EXERCISE = Exercise(
    "vgg_block",
    lesson="01",
    defines="vgg_block",
    reference=vgg_block,
    observe=observe_factory("vgg_block", CASES),
    start="Start with an empty list. In a loop over range(num_convs) add a convolution and a ReLU; after the first "
    "convolution there are out_channels channels. Add the pooling after the loop. nn.Sequential takes the layers one "
    "by one; a star in front of a list hands them over like that.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "padding same, ReLU in place, stride said": edited(
            ANSWER,
            ("padding=1", "padding='same'"),
            ("nn.ReLU()", "nn.ReLU(inplace=True)"),
            ("nn.MaxPool2d(kernel_size=2)", "nn.MaxPool2d(kernel_size=2, stride=2)"),
        ),
        "ReLU after the last pooling, which is the same": """
def vgg_block(in_channels, out_channels, num_convs):
    block = nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1))
    for _ in range(num_convs - 1):
        block.append(nn.ReLU())
        block.append(nn.Conv2d(out_channels, out_channels, 3, padding=1))
    block.append(nn.MaxPool2d(2))
    block.append(nn.ReLU())
    return block
""",
        "a class, functional": """
class vgg_block(nn.Module):
    def __init__(self, in_channels, out_channels, num_convs=2):
        super().__init__()
        sizes = [in_channels] + [out_channels] * num_convs
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 1, 1) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for conv in self.convs:
            x = F.relu(conv(x))
        return F.max_pool2d(x, 2)
""",
        "blocks in blocks": """
def vgg_block(in_channels, out_channels, num_convs):
    def layer(i):
        return nn.Sequential(
            nn.ZeroPad2d(1), nn.Conv2d(out_channels if i else in_channels, out_channels, 3), nn.ReLU()
        )
    return nn.Sequential(*[layer(i) for i in range(num_convs)], nn.MaxPool2d((2, 2)))
""",
        "recursion": """
def vgg_block(in_channels, out_channels, num_convs):
    first = [nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.ReLU()]
    if num_convs == 1:
        return nn.Sequential(*first, nn.MaxPool2d(2, 2))
    return nn.Sequential(*first, vgg_block(out_channels, out_channels, num_convs - 1))
""",
        "raw parameters, one tensor of weights for each convolution": """
class Block(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        pairs = list(zip(sizes[:-1], sizes[1:]))
        self.weights = nn.ParameterList([nn.Parameter(0.1 * torch.randn(o, i, 3, 3)) for i, o in pairs])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(o)) for _, o in pairs])

    def forward(self, x):
        for weight, bias in zip(self.weights, self.biases):
            x = F.conv2d(x, weight, bias, padding=1).clamp(min=0)
        return F.max_pool2d(x, kernel_size=2)

def vgg_block(in_channels, out_channels, num_convs):
    return Block([in_channels] + num_convs * [out_channels])
""",
        "named layers from a dict": """
def vgg_block(in_channels, out_channels, num_convs):
    def step(i):
        conv = nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, (3, 3), padding=(1, 1))
        return {f"conv{i}": conv, f"relu{i}": nn.ReLU()}

    block = nn.Sequential()
    for i in range(num_convs):
        for name, layer in step(i).items():
            block.add_module(name, layer)
    block.add_module("pool", nn.MaxPool2d(2))
    return block
""",
    },
    unknown={
        "another activation": edited(ANSWER, ("layers.append(nn.ReLU())", "layers.append(nn.Sigmoid())")),
    },
)
