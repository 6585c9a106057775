"""Lesson 05 · `basic_block`: ReLU(F(x) + shortcut(x)), the block of ResNet-18."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_class
from resnet_course.models import BasicBlock

# Odd sizes too: there a stride of 2 rounds up.
CASES = (
    ((4, 4, 1), (3, 4, 9, 9)),
    ((4, 6, 1), (3, 4, 7, 7)),
    ((4, 8, 2), (3, 4, 8, 8)),
    ((4, 4, 2), (3, 4, 5, 5)),
)

ANSWER = """
class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv_a = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(planes)
        self.conv_b = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(planes)
        self.projection = nn.Identity()
        if stride != 1 or in_planes != planes:
            self.projection = nn.Sequential(
                nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x):
        out = F.relu(self.norm_a(self.conv_a(x)))
        out = self.norm_b(self.conv_b(out))
        out = out + self.projection(x)
        return F.relu(out)
"""
# fmt: off
WRONG = [
    Wrong("no_shortcut", [
              ("stride != 1 or in_planes != planes", "False"),
              ("        out = out + self.projection(x)\n", "")],
          ask="Where is x added?",
          explain="The code computes F(x) alone, which is the plain block of lesson 04 with its last ReLU. The "
                  "block's input has to be added after the second batch norm, before that ReLU."),
    Wrong("shortcut_unused", [("out = out + self.projection(x)", "shortcut = self.projection(x)")],
          ask="The layers of the shortcut are built, but which line of forward uses them?",
          explain="forward does not use the layers of the shortcut, so the block computes F(x) alone, and the "
                  "weights of a projection never get a gradient. What the shortcut makes of x has to be added to "
                  "F(x)."),
    Wrong("relu_before_addition", [
              ("out = out + self.projection(x)", "out = F.relu(out)"),
              ("return F.relu(out)", "return out + self.projection(x)")],
          ask="What is the smallest number that can be added to x?",
          explain="The last ReLU stands before the addition: F(x) is never negative, and the block can only make "
                  "numbers larger. The ReLU belongs after the sum, so that F(x) can also take something away."),
    Wrong("relu_before_and_after", [
              ("out = self.norm_b(self.conv_b(out))", "out = F.relu(self.norm_b(self.conv_b(out)))")],
          ask="How many ReLUs come after the second batch norm?",
          explain="There are two ReLUs after the second batch norm. The one in front of the addition sets the "
                  "negative half of F(x) to 0, so the block can only add and never take away. Only the one after "
                  "the sum is right."),
    Wrong("no_final_relu", [("return F.relu(out)", "return out")],
          ask="What is the last step of the block?",
          explain="The last step of the block is the addition here, so negative numbers leave the block. A ReLU has "
                  "to come after the sum, as the table of the exercise says."),
    Wrong("relu_on_shortcut", [
              ("out = out + self.projection(x)", "out = out + torch.relu(self.projection(x))")],
          ask="What happens to a number -2 on its way through the shortcut?",
          explain="A ReLU stands on the shortcut: -2 arrives as 0. Where the block keeps the shape, x must arrive at "
                  "the sum as it is, and what a projection gives may be negative too. Only the sum gets a ReLU."),
    Wrong("relu_in_projection", [("nn.BatchNorm2d(planes),\n", "nn.BatchNorm2d(planes), nn.ReLU(),\n")],
          ask="Which layers make up the projection?",
          explain="There is a ReLU at the end of the projection, so it can only add positive numbers. A projection "
                  "is a 1x1 convolution and a batch norm; the one ReLU comes after the sum."),
    Wrong("no_relu_between", [
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "out = self.norm_a(self.conv_a(x))")],
          ask="What stands between the first batch norm and the second convolution?",
          explain="No ReLU stands between the two convolutions, so F is one linear map (plus a constant) in eval "
                  "mode, and its second convolution adds little. A ReLU has to follow the first batch norm."),
    Wrong("shortcut_subtracted", [("out = out + self.projection(x)", "out -= self.projection(x)")],
          ask="With which sign does the shortcut enter the sum?",
          explain="The shortcut is subtracted: this computes F(x) - x. If F(x) is 0, the block gives ReLU(-x), which "
                  "is 0 for every positive x, and not x. To pass x on must be what the block does when F gives "
                  "nothing."),
    Wrong("branch_subtracted", [("out = out + self.projection(x)", "out = self.projection(x) - out")],
          ask="With which sign does F(x) enter the sum?",
          explain="F(x) is subtracted: this computes x - F(x). Such a block could learn the same with the opposite "
                  "weights, but weights of a block F(x) + x give other numbers in it."),
    Wrong("shortcut_twice", [
              ("out = out + self.projection(x)", "out += self.projection(x)"),
              ("return F.relu(out)", "return F.relu(out + self.projection(x))")],
          ask="How often is x added?",
          explain="The input x is added twice, so a block with F(x) = 0 doubles its input, and ten of them in a row "
                  "make it 1024 times as large. Count the lines that change `out`."),
    Wrong("x_overwritten", [
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "x = F.relu(self.norm_a(self.conv_a(x)))"),
              ("out = self.norm_b(self.conv_b(out))", "x = self.norm_b(self.conv_b(x))"),
              ("out = out + self.projection(x)", "x = x + self.projection(x)"),
              ("return F.relu(out)", "return F.relu(x)")],
          ask="Which tensor does the shortcut get, x or something that has taken its name?",
          explain="The name x was given to the result of the convolutions, so F(x) is added to itself (or to a "
                  "projection of itself), and the input is lost. Keep the input under its own name until the sum."),
    Wrong("x_after_conv1", [
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "x = self.conv_a(x); out = F.relu(self.norm_a(x))")],
          ask="At which point of the block does the shortcut start?",
          explain="The shortcut starts after the first convolution here. What is added is then not the block's "
                  "input, and the way around both convolutions is gone. The shortcut takes the x that forward was "
                  "called with."),
    Wrong("x_after_first_relu", [
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "x = F.relu(self.norm_a(self.conv_a(x)))"),
              ("conv_b(out)", "conv_b(x)")],
          ask="How many convolutions does the shortcut go around?",
          explain="The shortcut starts after the first ReLU and goes around one convolution. The block's input "
                  "itself then reaches the end through a convolution only. The shortcut takes the x that forward was "
                  "called with."),
    Wrong("shortcut_detached", [
              ("out = out + self.projection(x)", "out = out + self.projection(x).detach()")],
          ask="The numbers are right and the gradient at x is not, so on which of the two ways does it stop?",
          explain="The gradient stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops "
                  "the gradient. Layers further in front then only get what comes through F, as in a plain network. "
                  "Let autograd follow the shortcut."),
    Wrong("projection_detached", [
              ("out = out + self.projection(x)", "with torch.no_grad(): x = self.projection(x)"),
              ("return F.relu(out)", "return F.relu(out + x)")],
          ask="The numbers are right and a gradient is missing, so which layers does it not reach?",
          explain="The projection runs under no_grad, or is detached. Its weights never learn, and no gradient comes "
                  "back through it. Let autograd follow the projection."),
    Wrong("in_place", [
              ("out = out + self.projection(x)", "x = self.projection(x); x += out"),
              ("return F.relu(out)", "return F.relu(x)")],
          ask="What does `x += out` do to the tensor that the caller handed in?",
          explain="`x += out` overwrites x: it is the caller's tensor, and += writes into it. The result is right, "
                  "but whoever uses that tensor afterwards finds other numbers in it, and autograd may refuse the "
                  "backward pass. Let the sum be a new tensor."),
    Wrong("concatenated", [
              ("out = out + self.projection(x)", "out = torch.cat((out, self.projection(x)), 1)")],
          ask="How many channels leave BasicBlock(16, 16)?",
          explain="BasicBlock(16, 16) gives 32 channels here, because x is put beside F(x), as DenseNet does. A "
                  "residual block adds the two number by number, so the number of channels stays."),
    Wrong("shortcut_not_called", [("out = out + self.projection(x)", "out = out + x")],
          ask="What is added where the block changes the shape?",
          explain="forward adds x itself, although a projection was built: the shapes (N, 16, 8, 8) and (N, 32, 4, "
                  "4) cannot be added. What belongs into the sum is what self.shortcut makes of x."),
    Wrong("returns_none", [("return F.relu(out)", "F.relu(out)")],
          ask="What does forward give back?",
          explain="forward gives back None, as every Python function without a `return` does, and the next layer "
                  "stops with an error. Hand the sum after the last ReLU back."),
    Wrong("projects_never", [("stride != 1 or in_planes != planes", "False")],
          ask="What does the shortcut do when the block changes channels or size?",
          explain="The shortcut always leaves x as it is, and (N, 16, 8, 8) cannot be added to (N, 32, 4, 4). In "
                  "those cases, which needs_projection tells, a projection has to bring x to the shape of F(x)."),
    Wrong("projects_for_stride_only", [("stride != 1 or in_planes != planes", "stride != 1")],
          ask="For which blocks is the projection built?",
          explain="The projection is built only for blocks with a stride. With stride 1, BasicBlock(16, 32) changes "
                  "the channels, and x with 16 of them does not fit F(x) with 32. Both changes count."),
    Wrong("projects_for_planes_only", [("stride != 1 or in_planes != planes", "in_planes != planes")],
          ask="For which blocks is there a projection?",
          explain="The projection is built only for blocks that change the channels. BasicBlock(16, 16, stride=2) "
                  "keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."),
    Wrong("projects_if_both_change", [
              ("stride != 1 or in_planes != planes", "stride != 1 and in_planes != planes")],
          ask="Is there a projection in BasicBlock(16, 32, stride=1)?",
          explain="BasicBlock(16, 32, stride=1) gets no projection, because the code asks for both changes at once. "
                  "One of them is enough to make the shapes differ: the stride, or the channels."),
    Wrong("projects_always", [("stride != 1 or in_planes != planes", "True")],
          ask="What does the shortcut of BasicBlock(16, 16) consist of?",
          explain="The shortcut of BasicBlock(16, 16) is a projection here, with weights that change x. Where the "
                  "block keeps the shape, the shortcut is the identity: it has no weights and adds exactly x."),
    Wrong("shortcut_without_batch_norm", [("                nn.BatchNorm2d(planes),\n", "")],
          ask="What follows the 1x1 convolution of the shortcut?",
          explain="Nothing follows the 1x1 convolution of the shortcut. Every convolution of the block has a batch "
                  "norm after it, this one too, so that both sides of the sum are brought to a similar size."),
    Wrong("shortcut_3x3", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)")],
          ask="How large is the kernel on the shortcut?",
          explain="The kernel on the shortcut is 3×3 here, with nine times the weights. The shortcut is only to "
                  "bring x to another shape: a 1x1 convolution mixes the channels of one pixel and leaves the "
                  "neighbours to F."),
    Wrong("stride_not_on_shortcut", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)")],
          ask="Which height do F(x) and the shortcut have in BasicBlock(16, 32, stride=2)?",
          explain="With stride 2, F(x) makes 4 rows of 8 and the shortcut keeps 8, so they cannot be added. The "
                  "stride has to be taken on both ways."),
    Wrong("stride_forgotten", [("stride=stride", "stride=1")],
          ask="Which layers are told about `stride`?",
          explain="No layer uses `stride`, so BasicBlock(16, 32, stride=2) gives 8×8 for 8×8, where it should give "
                  "4×4. The first convolution takes it, and the projection too."),
    Wrong("stride_on_second", [
              ("kernel_size=3, stride=stride", "kernel_size=3"),
              ("stride=1, padding", "stride=stride, padding")],
          ask="Which of the two 3x3 convolutions carries the stride?",
          explain="The second convolution carries the stride here. Shapes and parameters are the same either way, "
                  "but the first convolution then works on the large image and costs four times as much. The table "
                  "of the exercise gives the stride to the first."),
    Wrong("stride_on_both", [("stride=1, padding=1", "stride=stride, padding=1")],
          ask="How often does F(x) make the image smaller in BasicBlock(16, 32, stride=2)?",
          explain="Both convolutions have the stride, and 8×8 becomes 2×2 while the shortcut gives 4×4. Only the "
                  "first convolution takes it."),
    Wrong("no_padding", [(" padding=1,", "")],
          ask="What does a 3x3 convolution without padding do to height and width?",
          explain="Without padding, each 3×3 convolution takes away one row or column on every side, so 8×8 becomes "
                  "4×4 after two of them, and x no longer fits. One pixel of padding keeps the size."),
    Wrong("in_planes_twice", [
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)",
               "nn.Conv2d(in_planes, planes, 3, 1, 1, bias=False)")],
          ask="How many channels reach the second convolution?",
          explain="`planes` channels reach the second convolution, because the first has already changed the number. "
                  "Here the second is built for in_planes, so BasicBlock(16, 32) stops with an error."),
    Wrong("channels_change_late", [
              ("nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)",
               "nn.Conv2d(in_planes, in_planes, 3, stride, 1, bias=False)"),
              ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(in_planes)"),
              ("nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)",
               "nn.Conv2d(in_planes, planes, 3, 1, 1, bias=False)")],
          ask="Which convolution changes the number of channels?",
          explain="The second convolution changes the number of channels here. The first should go from in_planes to "
                  "planes, so that everything after it, the second convolution and both batch norms, has `planes` "
                  "channels."),
    Wrong("bias_everywhere", [(", bias=False", "")],
          ask="How many of the block's convolutions have a bias, and what becomes of it in the batch norm?",
          explain="All convolutions have a bias. The batch norm after each subtracts the mean of the channel, and "
                  "the bias with it, so these parameters have no effect. Build all convolutions without a bias, the "
                  "projection too."),
    Wrong("bias_left_on", [("padding=1, bias=False", "padding=1")],
          ask="What does the batch norm after a 3x3 convolution do with its bias?",
          explain="A batch norm takes the bias in front of it away together with the mean, and adds a shift of its "
                  "own. The biases of the two 3x3 convolutions are parameters without effect; build both without "
                  "one."),
    Wrong("bias_on_shortcut", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride)")],
          ask="What becomes of a bias in the convolution of the shortcut?",
          explain="The bias on the shortcut is lost: a batch norm follows there as well, and takes it away with the "
                  "mean. The 1x1 convolution is built without a bias, like the others."),
    Wrong("no_batch_norm", [
              ("        self.norm_a = nn.BatchNorm2d(planes)\n", "\n"),
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("        out = F.relu(self.norm_a(self.conv_a(x)))\n        out = self.norm_b(self.conv_b(out))\n",
               "        out = F.relu((self.conv_a(x)))\n        out = (self.conv_b(out))\n")],
          ask="What comes after each of the two 3x3 convolutions?",
          explain="There is no batch norm in F. Without it the size of F(x) depends on the size of the weights, and "
                  "because the convolutions have no bias, nothing shifts its channels. Each of them needs one."),
    Wrong("no_batch_norm_1", [
              ("        self.norm_a = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "out = F.relu(self.conv_a(x))")],
          ask="What stands between the first convolution and its ReLU?",
          explain="A batch norm belongs between the first convolution and its ReLU: the convolution has no bias, so "
                  "without it the ReLU cuts every channel at a place that nothing can shift."),
    Wrong("no_batch_norm_2", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = self.norm_b(self.conv_b(out))", "out = self.conv_b(out)")],
          ask="What stands between the second convolution and the addition?",
          explain="No batch norm stands between the second convolution and the addition, so the size of F(x) depends "
                  "on the size of the weights, and no shift is added to it. The second convolution needs a batch "
                  "norm as well."),
    Wrong("shared_batch_norm", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = self.norm_b(self.conv_b(out))", "out = self.norm_a(self.conv_b(out))")],
          ask="How many batch norms are there?",
          explain="There is one batch norm for the two 3x3 convolutions. Its scale, shift, stored mean and variance "
                  "then serve both and fit neither. Each convolution needs its own."),
    Wrong("batch_norm_first", [
              ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(in_planes)"),
              ("out = F.relu(self.norm_a(self.conv_a(x)))", "out = self.conv_a(F.relu(self.norm_a(x)))"),
              ("out = self.norm_b(self.conv_b(out))", "out = self.conv_b(F.relu(self.norm_b(out)))"),
              ("return F.relu(out)", "return out")],
          ask="In which order do convolution, batch norm and ReLU come?",
          explain="Batch norm and ReLU come in front of the convolutions. This is the pre-activation order of a "
                  "later paper (lesson 11). In this block they come after them, and the last ReLU after the sum."),
    Wrong("no_default_stride", [("stride=1):", "stride):")],
          ask="What does BasicBlock(16, 16) do, called with two numbers?",
          explain="BasicBlock(16, 16) raises an error, because `stride` has no default. Most blocks of a network "
                  "keep the size, so the argument is 1 when nothing is said."),
    Wrong("wrong_expansion", [("expansion = 1", "expansion = 4")],
          ask="What does the class say about how many channels leave it, as a multiple of planes?",
          explain="The class says `expansion` 4, which is true of the bottleneck. From this block `planes` channels "
                  "come out, one times planes; with a wrong number the next block is built for too many channels."),
    Wrong("no_expansion", [("    expansion = 1\n", "")],
          ask="Where does the class say how many channels leave a block, as a multiple of `planes`?",
          explain="The class attribute `expansion` is missing. ResNet asks the class itself, before a block is "
                  "built, so it stands above __init__. For this block it is 1."),
]
# fmt: on

EXERCISE = Exercise(
    "basic_block",
    lesson="05",
    defines="BasicBlock",
    reference=BasicBlock,
    observe=observe_class("BasicBlock", CASES),
    start="Write the plain block of lesson 04 first, without its last ReLU: that is F(x). Then make the shortcut in "
    "__init__, an empty nn.Sequential() or the projection. In forward add F(x) and the shortcut of x, and let the "
    "ReLU come last.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "ready-made parts": """
class BasicBlock(nn.Module):
    expansion: int = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.shortcut = nn.Sequential()
        if needs_projection(in_planes, planes, stride):
            self.shortcut = projection_shortcut(in_planes, planes, stride)
        self.conv1 = conv3x3(in_planes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
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
            (
                "        out = out + self.projection(x)\n        return F.relu(out)\n",
                "        out += identity\n        return out.relu_()\n",
            ),
        ),
        "one sequence": """
class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
            nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes),
        )
        project = stride > 1 or in_planes != self.expansion * planes
        self.skip = projection_shortcut(in_planes, planes, stride) if project else nn.Identity()

    def forward(self, x):
        return torch.clamp(self.skip(x) + self.residual(x), min=0)
""",
        "lists of layers": """
class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.shortcut = nn.ModuleList()
        if needs_projection(in_planes, planes, stride):
            self.shortcut.extend(projection_shortcut(in_planes, planes, stride))
        self.convs = nn.ModuleList([conv3x3(in_planes, planes, stride), conv3x3(planes, planes)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(planes) for _ in range(2)])

    def forward(self, x):
        out = x
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            out = norm(conv(out))
            out = F.relu(out) if i == 0 else out
        for layer in self.shortcut:
            x = layer(x)
        return F.relu(torch.add(x, out))
""",
        "functional batch norm": """
class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training)

class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.first = nn.Parameter(torch.randn(planes, in_planes, 3, 3))
        self.second = nn.Parameter(torch.randn(planes, planes, 3, 3))
        self.n1, self.n2 = Norm(planes), Norm(planes)
        self.stride = stride
        self.changes = stride != 1 or in_planes != planes
        if self.changes:
            self.third = nn.Parameter(torch.randn(planes, in_planes, 1, 1))
            self.n3 = Norm(planes)

    def forward(self, x):
        out = F.relu(self.n1(F.conv2d(x, self.first, stride=self.stride, padding=1)))
        out = self.n2(F.conv2d(out, self.second, padding=1))
        if self.changes:
            x = self.n3(F.conv2d(x, self.third, stride=self.stride))
        return F.relu(out + x)
""",
        "a branch in a ModuleDict, layers by setattr": """
class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        for n, inside, step in (("1", in_planes, stride), ("2", planes, 1)):
            conv = nn.Conv2d(inside, planes, 3, step, 1, bias=False)
            setattr(self, "half" + n, nn.ModuleDict({"conv": conv, "bn": nn.BatchNorm2d(planes)}))
        keeps = stride == 1 and in_planes == planes
        self.skip = (lambda x: x) if keeps else projection_shortcut(in_planes, planes, stride)

    def forward(self, x):
        skip, zero = self.skip(x), x.new_zeros(())
        x = torch.maximum(self.half1["bn"](self.half1["conv"](x)), zero)
        return torch.maximum(self.half2["bn"](self.half2["conv"](x)) + skip, zero)
""",
        "a subclass of Sequential": """
def conv_bn(i, o, k, s):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o))

class BasicBlock(nn.Sequential):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__(conv_bn(in_planes, planes, 3, stride), nn.ReLU(), conv_bn(planes, planes, 3, 1))
        keeps = (stride, in_planes) == (1, planes)
        self.around = nn.Identity() if keeps else conv_bn(in_planes, planes, 1, stride)

    def forward(self, x):
        out = self[2](self[1](self[0](x)))
        return self[1](out + self.around(x))
""",
    },
    unknown={
        "product": edited(ANSWER, ("out = out + self.projection(x)", "out = out * self.projection(x)")),
        "mean": edited(ANSWER, ("out = out + self.projection(x)", "out = 0.5 * (out + self.projection(x))")),
        "another activation": edited(ANSWER, ("return F.relu(out)", "return torch.tanh(out)")),
        "another norm": edited(
            ANSWER,
            ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.InstanceNorm2d(planes, affine=True)"),
            ("self.norm_b = nn.BatchNorm2d(planes)", "self.norm_b = nn.InstanceNorm2d(planes, affine=True)"),
            ("nn.BatchNorm2d(planes),", "nn.InstanceNorm2d(planes, affine=True),"),
        ),
        "another momentum": edited(
            ANSWER,
            ("self.norm_a = nn.BatchNorm2d(planes)", "self.norm_a = nn.BatchNorm2d(planes, momentum=0.9)"),
            ("self.norm_b = nn.BatchNorm2d(planes)", "self.norm_b = nn.BatchNorm2d(planes, momentum=0.9)"),
            ("nn.BatchNorm2d(planes),", "nn.BatchNorm2d(planes, momentum=0.9),"),
        ),
    },
    again={
        "a layer that works in place": (
            "relu_before_and_after",
            edited(
                ANSWER, ("out = self.norm_b(self.conv_b(out))", "out = nn.ReLU(True)(self.norm_b(self.conv_b(out)))")
            ),
        ),
        "a method that works in place": (
            "in_place",
            edited(
                ANSWER,
                (
                    "        out = out + self.projection(x)\n        return F.relu(out)\n",
                    "        x = self.projection(x); x.add_(out)\n        return x.relu()\n",
                ),
            ),
        ),
        "shortcut called and forgotten": (
            "shortcut_unused",
            edited(ANSWER, ("out = out + self.projection(x)", "self.projection(x)")),
        ),
        "detached on the way in": (
            "shortcut_detached",
            edited(ANSWER, ("out = out + self.projection(x)", "out = out + self.projection(x.detach())")),
        ),
        "arguments by position": (
            "shortcut_3x3",
            edited(
                ANSWER,
                (
                    "nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False),",
                    "nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False),",
                ),
            ),
        ),
        "turned around": (
            "projects_if_both_change",
            edited(ANSWER, ("if stride != 1 or in_planes != planes:", "if not (stride == 1 or in_planes == planes):")),
        ),
    },
)
