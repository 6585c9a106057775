"""Lesson 11 · `bottleneck`: 1×1, 3×3, 1×1, and four times as many channels."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_class
from resnet_course.models import Bottleneck

# The first keeps the shape (8 = 4 * 2). Odd sizes too: there a stride of 2 rounds up.
CASES = (((8, 2, 1), (3, 8, 6, 6)), ((3, 3, 1), (3, 3, 7, 7)), ((8, 2, 2), (3, 8, 9, 9)), ((5, 3, 2), (3, 5, 8, 8)))

ANSWER = """
class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.reduce = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
        self.norm_a = nn.BatchNorm2d(planes)
        self.middle = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(planes)
        self.widen = nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)
        self.norm_c = nn.BatchNorm2d(4 * planes)
        self.projection = nn.Identity()
        if stride != 1 or in_planes != 4 * planes:
            self.projection = nn.Sequential(
                nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(4 * planes),
            )

    def forward(self, x):
        out = F.relu(self.norm_a(self.reduce(x)))
        out = F.relu(self.norm_b(self.middle(out)))
        out = self.norm_c(self.widen(out))
        out = out + self.projection(x)
        return F.relu(out)
"""
# fmt: off
WRONG = [
    Wrong("no_shortcut", [
              ("stride != 1 or in_planes != 4 * planes", "False"),
              ("        out = out + self.projection(x)\n", "")],
          ask="Where is x added?",
          explain="The code computes F(x) alone, three convolutions in a row. The shortcut has to be added after "
                  "the third batch norm, before the last ReLU."),
    Wrong("shortcut_unused", [("out = out + self.projection(x)", "shortcut = self.projection(x)")],
          ask="The layers of the shortcut are built, but which line of forward uses them?",
          explain="forward does not use the layers of the shortcut, so the block computes F(x) alone, and the "
                  "weights of a projection never get a gradient. What the shortcut makes of x has to be added to "
                  "F(x)."),
    Wrong("shortcut_not_called", [("out = out + self.projection(x)", "out = out + x")],
          ask="What is added where the block changes the shape?",
          explain="forward adds x itself, although a projection was built: the shapes (N, 256, 8, 8) and (N, 512, 4, "
                  "4) cannot be added. What belongs into the sum is what self.shortcut makes of x."),
    Wrong("shortcut_subtracted", [("out = out + self.projection(x)", "out = out - self.projection(x)")],
          ask="With which sign does the shortcut enter the sum?",
          explain="The shortcut is subtracted: this computes F(x) - x. If F(x) is 0, the block gives ReLU(-x), which "
                  "is 0 for every positive x, and not x. To pass x on must be what the block does when F gives "
                  "nothing."),
    Wrong("shortcut_detached", [
              ("out = out + self.projection(x)", "out = out + self.projection(x).detach()")],
          ask="The numbers are right and the gradient at x is not, so on which of the two ways does it stop?",
          explain="The gradient stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops "
                  "the gradient. Layers further in front then only get what comes through F. Let autograd follow the "
                  "shortcut."),
    Wrong("x_overwritten", [
              ("out = F.relu(self.norm_a(self.reduce(x)))", "x = F.relu(self.norm_a(self.reduce(x)))"),
              ("out = F.relu(self.norm_b(self.middle(out)))", "x = F.relu(self.norm_b(self.middle(x)))"),
              ("out = self.norm_c(self.widen(out))", "x = self.norm_c(self.widen(x))"),
              ("out = out + self.projection(x)", "x = x + self.projection(x)"),
              ("return F.relu(out)", "return F.relu(x)")],
          ask="Which tensor does the shortcut get, x or something that has taken its name?",
          explain="The name x was given to the result of the convolutions, so F(x) is added to itself (or to a "
                  "projection of itself), and the input is lost. Keep the input under its own name until the sum."),
    Wrong("in_place", [
              ("out = out + self.projection(x)", "x = self.projection(x); x += out"),
              ("return F.relu(out)", "return F.relu(x)")],
          ask="What does `x += out` do to the tensor that the caller handed in?",
          explain="`x += out` overwrites x: it is the caller's tensor, and += writes into it. The result is right, "
                  "but whoever uses that tensor afterwards finds other numbers in it, and autograd may refuse the "
                  "backward pass. Let the sum be a new tensor."),
    Wrong("returns_none", [("return F.relu(out)", "F.relu(out)")],
          ask="What does forward give back?",
          explain="forward gives back None, as every Python function without a `return` does, and the next layer "
                  "stops with an error. Hand the sum after the last ReLU back."),
    Wrong("no_relu_1", [("out = F.relu(self.norm_a(self.reduce(x)))", "out = self.norm_a(self.reduce(x))")],
          ask="What stands between the first batch norm and the 3x3 convolution?",
          explain="No ReLU follows the first batch norm. In eval mode the 1x1 and the 3x3 are then one linear map "
                  "together, so the first adds no more than a change of channels. A ReLU has to follow each of the "
                  "first two batch norms."),
    Wrong("no_relu_2", [
              ("out = F.relu(self.norm_b(self.middle(out)))", "out = self.norm_b(self.middle(out))")],
          ask="What stands between the second batch norm and the last 1x1 convolution?",
          explain="No ReLU follows the second batch norm. In eval mode the 3x3 and the last 1x1 are then one linear "
                  "map together. A ReLU has to follow each of the first two batch norms."),
    Wrong("no_relu_inside", [
              ("out = F.relu(self.norm_a(self.reduce(x)))", "out = self.norm_a(self.reduce(x))"),
              ("out = F.relu(self.norm_b(self.middle(out)))", "out = self.norm_b(self.middle(out))")],
          ask="Where are the ReLUs inside F?",
          explain="There is no ReLU inside F, so in eval mode the three convolutions are one linear map. A ReLU has "
                  "to follow the first batch norm, and one the second; the third one comes after the sum."),
    Wrong("relu_before_addition", [
              ("out = out + self.projection(x)", "out = F.relu(out)"),
              ("return F.relu(out)", "return out + self.projection(x)")],
          ask="What is the smallest number that can be added to x?",
          explain="The last ReLU stands before the addition: F(x) is never negative, and the block can only make "
                  "numbers larger. The ReLU belongs after the sum, so that F(x) can also take something away."),
    Wrong("relu_before_and_after", [
              ("out = self.norm_c(self.widen(out))", "out = F.relu(self.norm_c(self.widen(out)))")],
          ask="How many ReLUs come after the third batch norm?",
          explain="There are two ReLUs after the third batch norm. The one in front of the addition sets the "
                  "negative half of F(x) to 0, so the block can only add and never take away. Only the one after "
                  "the sum is right."),
    Wrong("no_final_relu", [("return F.relu(out)", "return out")],
          ask="What is the last step of the block?",
          explain="The last step of the block is the addition here, so negative numbers leave the block. In this "
                  "block a ReLU comes after the sum; the one further down, in pre-activation order, does without "
                  "it."),
    Wrong("stride_on_first", [
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)"),
              ("nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)")],
          ask="Which of the three convolutions carries the stride?",
          explain="The first 1x1 carries the stride here, as in the paper. It then skips three of four pixels before "
                  "anything has looked at them. In this course, as in torchvision, the 3x3 carries the stride."),
    Wrong("stride_on_last", [
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)"),
              ("nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)",
               "nn.Conv2d(planes, 4 * planes, kernel_size=1, stride=stride, bias=False)")],
          ask="Which of the three convolutions carries the stride?",
          explain="The last 1x1 carries the stride here. The 3x3 then works on the large image, and three of four of "
                  "its results are thrown away. In this block the stride belongs to the 3x3."),
    Wrong("stride_everywhere", [("kernel_size=1, bias", "kernel_size=1, stride=stride, bias")],
          ask="How often does F(x) make the image smaller at stride 2?",
          explain="All three convolutions have the stride, and 8×8 becomes 1×1 while the shortcut gives 4×4. Only "
                  "the 3x3 takes it."),
    Wrong("stride_forgotten", [("stride=stride, ", "")],
          ask="Which layers are told about `stride`?",
          explain="No layer uses `stride`, so Bottleneck(256, 128, stride=2) gives 8×8 for 8×8, where it should give "
                  "4×4. The 3x3 takes it, and the projection too."),
    Wrong("stride_not_on_shortcut", [
              ("nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, 4 * planes, kernel_size=1, bias=False)")],
          ask="Which height do F(x) and the shortcut have in Bottleneck(256, 128, stride=2)?",
          explain="With stride 2, F(x) makes 4 rows of 8 and the shortcut keeps 8, so they cannot be added. The "
                  "stride has to be taken on both ways."),
    Wrong("not_widened", [("4 * planes", "planes")],
          ask="How many channels does the last 1x1 convolution give out?",
          explain="The last 1x1 gives `planes` channels here, as many as the narrow middle has. It has to widen: "
                  "Bottleneck(256, 64) ends with 256 channels, `expansion` times planes."),
    Wrong("expansion_of_one", [
              ("expansion = 4", "expansion = 1"),
              ("4 * planes", "self.expansion * planes")],
          ask="Which value does `expansion` have, and which layers use it?",
          explain="`expansion` is 1 here, the value of the basic block, and the last convolution and the shortcut "
                  "follow it, so nothing is widened. A bottleneck gives four times `planes`."),
    Wrong("not_reduced", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)",
               "nn.Conv2d(in_planes, 4 * planes, kernel_size=1, bias=False)"),
              ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(4 * planes)"),
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(4 * planes, 4 * planes, kernel_size=3, stride=stride, padding=1, bias=False)"),
              ("self.norm_b = nn.BatchNorm2d(planes)", "self.norm_b = nn.BatchNorm2d(4 * planes)"),
              ("nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)",
               "nn.Conv2d(4 * planes, 4 * planes, kernel_size=1, bias=False)")],
          ask="How many channels does the 3x3 convolution see?",
          explain="The first 1x1 does not reduce the channels to `planes`. The 3x3 then works on four times as many, "
                  "with 16 times the weights, and to avoid that is what the bottleneck is for."),
    Wrong("reduced_late", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)",
               "nn.Conv2d(in_planes, in_planes, kernel_size=1, bias=False)"),
              ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(in_planes)"),
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)")],
          ask="Which convolution reduces the number of channels?",
          explain="The 3x3 reduces the channels here, so it reads the wide input. The first 1x1 goes from in_planes "
                  "to planes, and the 3x3 has planes on both sides, which keeps it cheap."),
    Wrong("all_3x3", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=3, padding=1, bias=False)"),
              ("nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)",
               "nn.Conv2d(planes, 4 * planes, kernel_size=3, padding=1, bias=False)")],
          ask="How large is each of the three kernels?",
          explain="All three kernels are 3×3 here, so the first and the last have nine times the weights. Those two "
                  "only change the number of channels, pixel by pixel: 1x1."),
    Wrong("no_padding", [(" padding=1,", "")],
          ask="What does a 3x3 convolution without padding do to height and width?",
          explain="Without padding, the 3x3 convolution takes away one row or column on every side, so 8×8 becomes "
                  "6×6, and x no longer fits. One pixel of padding keeps the size."),
    Wrong("padding_on_1x1", [("kernel_size=1, bias", "kernel_size=1, padding=1, bias")],
          ask="What does padding do to the size, if the kernel is 1x1?",
          explain="Padding adds a border: 8×8 becomes 10×10, and x no longer fits. A kernel of one pixel never "
                  "reaches over the edge; only the 3x3 needs padding."),
    Wrong("projects_never", [("stride != 1 or in_planes != 4 * planes", "False")],
          ask="What does the shortcut do when the block changes channels or size?",
          explain="The shortcut always leaves x as it is, and 64 channels cannot be added to 256. Where the shape "
                  "changes, a projection has to bring x to the shape of F(x)."),
    Wrong("projects_always", [("stride != 1 or in_planes != 4 * planes", "True")],
          ask="What does the shortcut of Bottleneck(256, 64) consist of?",
          explain="The shortcut of Bottleneck(256, 64) is a projection here, with weights that change x. 256 "
                  "channels come in and 256 go out, so the shortcut is the identity: it has no weights and adds "
                  "exactly x."),
    Wrong("projects_by_planes", [
              ("stride != 1 or in_planes != 4 * planes", "needs_projection(in_planes, planes, stride)")],
          ask="With which number is in_planes compared?",
          explain="in_planes is compared with `planes`, but `expansion` times as many channels leave a bottleneck. "
                  "Bottleneck(64, 64) then gets no projection, although 64 come in and 256 go out."),
    Wrong("projects_for_stride_only", [("stride != 1 or in_planes != 4 * planes", "stride != 1")],
          ask="For which blocks is the projection built?",
          explain="The projection is built only for blocks with a stride. With stride 1, Bottleneck(64, 64) makes "
                  "256 channels of 64, and x does not fit F(x). Both changes count."),
    Wrong("projects_for_channels_only", [
              ("stride != 1 or in_planes != 4 * planes", "in_planes != 4 * planes")],
          ask="For which blocks is there a projection?",
          explain="The projection is built only for blocks that change the channels. Bottleneck(256, 64, stride=2) "
                  "keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."),
    Wrong("projects_to_planes", [
              ("nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)"),
              ("nn.BatchNorm2d(4 * planes),", "nn.BatchNorm2d(planes),")],
          ask="How many channels does the projection give?",
          explain="The projection gives `planes` channels, and F(x) has `expansion` times as many: 64 and 256 cannot "
                  "be added. The projection must reach the shape of F(x)."),
    Wrong("planes_on_the_whole_shortcut", [
              ("in_planes != 4 * planes", "in_planes != planes"),
              ("nn.Conv2d(in_planes, 4 * planes,", "nn.Conv2d(in_planes, planes,"),
              ("                nn.BatchNorm2d(4 * planes),", "                nn.BatchNorm2d(planes),")],
          ask="How many channels does the block give out, and how many its shortcut?",
          explain="The shortcut is built for `planes` channels, in the question whether it is needed as in what it "
                  "gives out. The block gives out 4 · planes, and the shortcut has to give as many."),
    Wrong("four_times_what_comes_in", [
              ("nn.Conv2d(planes, 4 * planes,", "nn.Conv2d(planes, 4 * in_planes,"),
              ("self.norm_c = nn.BatchNorm2d(4 * planes)", "self.norm_c = nn.BatchNorm2d(4 * in_planes)"),
              ("in_planes != 4 * planes", "True"),
              ("nn.Conv2d(in_planes, 4 * planes,", "nn.Conv2d(in_planes, 4 * in_planes,"),
              ("                nn.BatchNorm2d(4 * planes),", "                nn.BatchNorm2d(4 * in_planes),")],
          ask="Which number is multiplied by 4?",
          explain="The block gives out 4 · in_planes channels. The width in the middle is `planes`, and the block "
                  "gives out four times that, however many channels come in."),
    Wrong("shortcut_without_batch_norm", [("                nn.BatchNorm2d(4 * planes),\n", "")],
          ask="What follows the 1x1 convolution of the shortcut?",
          explain="Nothing follows the 1x1 convolution of the shortcut. Every convolution of the block has a batch "
                  "norm after it, this one too, so that both sides of the sum are brought to a similar size."),
    Wrong("bias_everywhere", [(", bias=False", "")],
          ask="How many of the block's convolutions have a bias, and what becomes of it in the batch norm?",
          explain="All convolutions have a bias. The batch norm after each subtracts the mean of the channel, and "
                  "the bias with it, so these parameters have no effect. Build all convolutions without a bias, the "
                  "projection too."),
    Wrong("bias_left_on", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)", "nn.Conv2d(in_planes, planes, 1)"),
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(planes, planes, 3, stride, 1)"),
              ("nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)", "nn.Conv2d(planes, 4 * planes, 1)")],
          ask="What does the batch norm after a convolution do with its bias?",
          explain="A batch norm takes the bias in front of it away together with the mean, and adds a shift of its "
                  "own. The biases of the three convolutions of F are parameters without effect; build them without "
                  "one."),
    Wrong("no_batch_norm", [
              ("        self.norm_a = nn.BatchNorm2d(planes)\n", "\n"),
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("        self.norm_c = nn.BatchNorm2d(4 * planes)\n", "\n"),
              ("self.norm_a(self.reduce(x))", "self.reduce(x)"),
              ("self.norm_b(self.middle(out))", "self.middle(out)"),
              ("self.norm_c(self.widen(out))", "self.widen(out)")],
          ask="What comes after each of the three convolutions?",
          explain="There is no batch norm in F. Without it the size of F(x) depends on the size of the weights, and "
                  "because the convolutions have no bias, nothing shifts its channels. Each of them needs one."),
    Wrong("no_batch_norm_3", [
              ("        self.norm_c = nn.BatchNorm2d(4 * planes)\n", "\n"),
              ("out = self.norm_c(self.widen(out))", "out = (self.widen(out))")],
          ask="What stands between the last convolution and the addition?",
          explain="No batch norm stands between the last convolution and the addition, so the size of F(x) depends "
                  "on the size of the weights, and no shift is added to it. The last convolution needs a batch norm "
                  "as well."),
    Wrong("shared_batch_norm", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = F.relu(self.norm_b(self.middle(out)))", "out = F.relu(self.norm_a(self.middle(out)))")],
          ask="How many batch norms with `planes` channels does the block have?",
          explain="One batch norm is used twice. Its scale, shift, stored mean and variance then serve two "
                  "convolutions and fit neither. Each convolution needs its own."),
    Wrong("no_default_stride", [("stride=1):", "stride):")],
          ask="What does Bottleneck(256, 64) do, called with two numbers?",
          explain="Bottleneck(256, 64) raises an error, because `stride` has no default. Most blocks of a network "
                  "keep the size, so the argument is 1 when nothing is said."),
    Wrong("wrong_expansion", [("expansion = 4", "expansion = 1")],
          ask="What does the class say about how many channels leave it, as a multiple of planes?",
          explain="The class says `expansion` 1, but four times `planes` leave this block. ResNet reads the number "
                  "from the class and builds the next block for too few channels."),
    Wrong("no_expansion", [("    expansion = 4\n", "")],
          ask="Where does the class say how many channels leave a block, as a multiple of `planes`?",
          explain="The class attribute `expansion` is missing. ResNet asks the class itself, before a block is "
                  "built, so it stands above __init__. For this block it is 4."),
]
# fmt: on

EXERCISE = Exercise(
    "bottleneck",
    lesson="11",
    defines="Bottleneck",
    reference=Bottleneck,
    observe=observe_class("Bottleneck", CASES),
    start="Write three pairs of convolution and batch norm in __init__, and note beside each what it makes of the "
    "channels: in_planes to planes, planes to planes, planes to four times planes. Then build the shortcut, as in "
    "basic_block, for the channels that leave the block.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "ready-made parts": """
class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        out_planes = self.expansion * planes
        self.shortcut = nn.Sequential()
        if needs_projection(in_planes, out_planes, stride):
            self.shortcut = projection_shortcut(in_planes, out_planes, stride)
        self.conv1 = nn.Conv2d(in_planes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = conv3x3(planes, planes, stride)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out_planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_planes)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += self.shortcut(x)
        return self.relu(out)
""",
        "torchvision's way": edited(
            ANSWER,
            ("self.projection = nn.Identity()", "self.projection = None"),
            (
                "    def forward(self, x):\n",
                "    def forward(self, x):\n        identity = x if self.projection is None else self.projection(x)\n",
            ),
            ("out = out + self.projection(x)", "out += identity"),
        ),
        "one sequence": """
class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        wide = planes * Bottleneck.expansion
        self.residual = nn.Sequential(
            nn.Conv2d(in_planes, planes, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
            nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
            nn.Conv2d(planes, wide, 1, bias=False), nn.BatchNorm2d(wide),
        )
        project = stride > 1 or in_planes != wide
        self.skip = projection_shortcut(in_planes, wide, stride) if project else nn.Identity()

    def forward(self, x):
        return torch.relu(self.skip(x) + self.residual(x))
""",
        "lists of layers": """
class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        sizes = [in_planes, planes, planes, 4 * planes]
        self.convs = nn.ModuleList([
            nn.Conv2d(a, b, k, s, padding=k // 2, bias=False)
            for a, b, k, s in zip(sizes, sizes[1:], (1, 3, 1), (1, stride, 1))
        ])
        self.norms = nn.ModuleList([nn.BatchNorm2d(size) for size in sizes[1:]])
        self.shortcut = nn.ModuleList()
        if needs_projection(in_planes, 4 * planes, stride):
            self.shortcut.extend(projection_shortcut(in_planes, 4 * planes, stride))

    def forward(self, x):
        out = x
        for i in range(3):
            out = self.norms[i](self.convs[i](out))
            if i < 2:
                out = out.relu()
        for layer in self.shortcut:
            x = layer(x)
        return (x + out).relu()
""",
        "raw parameters": """
class Part(nn.Module):
    def __init__(self, i, o, k, stride=1):
        super().__init__()
        self.stride, self.padding = stride, k // 2
        self.kernel = nn.Parameter(torch.randn(o, i, k, k) / (i * k * k) ** 0.5)
        self.scale, self.shift = nn.Parameter(torch.ones(o)), nn.Parameter(torch.zeros(o))
        self.register_buffer("mean", torch.zeros(o))
        self.register_buffer("var", torch.ones(o))

    def forward(self, x):
        x = F.conv2d(x, self.kernel, stride=self.stride, padding=self.padding)
        return F.batch_norm(x, self.mean, self.var, self.scale, self.shift, self.training)

class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.a, self.b = Part(in_planes, planes, 1), Part(planes, planes, 3, stride)
        self.c = Part(planes, 4 * planes, 1)
        changes = stride != 1 or in_planes != 4 * planes
        self.d = Part(in_planes, 4 * planes, 1, stride) if changes else None

    def forward(self, x):
        out = self.c(self.b(self.a(x).clamp(min=0)).clamp(min=0))
        return (out + (self.d(x) if self.d else x)).clamp(min=0)
""",
        "a subclass of Sequential": """
class Bottleneck(nn.Sequential):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        wide = self.expansion * planes
        parts = (in_planes, planes, 1, 1), (planes, planes, 3, stride), (planes, wide, 1, 1)
        for n, (i, o, k, s) in enumerate(parts):
            self.add_module(f"conv{n}", nn.Conv2d(i, o, k, s, k // 2, bias=False))
            self.add_module(f"bn{n}", nn.BatchNorm2d(o))
            self.add_module(f"act{n}", nn.ReLU() if n < 2 else nn.Identity())
        keeps = stride == 1 and in_planes == wide
        self.add_module("skip", nn.Identity() if keeps else projection_shortcut(in_planes, wide, stride))

    def forward(self, x):
        out = x
        for layer in list(self)[:-1]:
            out = layer(out)
        return F.relu(out + self.skip(x))
""",
        "ModuleDict, maximum in place of relu": """
class Bottleneck(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        part = lambda i, o, k=1, s=1: nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o))
        self.parts = nn.ModuleDict({"narrow": part(in_planes, planes), "look": part(planes, planes, 3, stride)})
        self.parts["widen"] = part(planes, planes * 4)
        if not (stride == 1 and in_planes == planes * 4):
            self.parts["skip"] = part(in_planes, planes * 4, s=stride)

    def forward(self, x):
        rectify = lambda t: torch.maximum(t, torch.zeros_like(t))
        out = rectify(self.parts["look"](rectify(self.parts["narrow"](x))))
        skip = self.parts["skip"](x) if "skip" in self.parts else x
        return rectify(skip + self.parts["widen"](out))

Bottleneck.expansion = 4
""",
    },
    unknown={
        "product": edited(ANSWER, ("out = out + self.projection(x)", "out = out * self.projection(x)")),
        "mean": edited(ANSWER, ("out = out + self.projection(x)", "out = 0.5 * (out + self.projection(x))")),
        "another activation": edited(ANSWER, ("return F.relu(out)", "return torch.tanh(out)")),
        "a wider middle": edited(
            ANSWER,
            ("self.reduce = nn.Conv2d(in_planes, planes", "self.reduce = nn.Conv2d(in_planes, 2 * planes"),
            ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(2 * planes)"),
            ("self.middle = nn.Conv2d(planes", "self.middle = nn.Conv2d(2 * planes"),
        ),
    },
    again={
        "the narrow number compared": (
            "projects_by_planes",
            edited(ANSWER, ("if stride != 1 or in_planes != 4 * planes:", "if stride > 1 or in_planes != planes:")),
        ),
        "shortcut called and forgotten": (
            "shortcut_unused",
            edited(ANSWER, ("out = out + self.projection(x)", "self.projection(x)")),
        ),
    },
)
