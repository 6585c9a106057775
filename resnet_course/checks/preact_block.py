"""Lesson 11 · `preact_block`: batch norm and ReLU before each convolution, and nothing after the addition."""

from __future__ import annotations

from resnet_course.checking.exercise import Exercise, Wrong, edited
from resnet_course.checking.modules import observe_class
from resnet_course.models import PreActBlock

# Odd sizes too: there a stride of 2 rounds up.
CASES = (((4, 4, 1), (3, 4, 9, 9)), ((4, 6, 1), (3, 4, 7, 7)), ((4, 8, 2), (3, 4, 8, 8)), ((4, 4, 2), (3, 4, 5, 5)))

ANSWER = """
class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.norm_a = nn.BatchNorm2d(in_planes)
        self.conv_a = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(planes)
        self.conv_b = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.changes = stride != 1 or in_planes != planes
        if self.changes:
            self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)

    def forward(self, x):
        active = F.relu(self.norm_a(x))
        shortcut = self.projection(active) if self.changes else x
        out = self.conv_a(active)
        out = self.conv_b(F.relu(self.norm_b(out)))
        return out + shortcut
"""
# fmt: off
WRONG = [
    Wrong("post_activation", [
              ("self.norm_a = nn.BatchNorm2d(in_planes)", "self.norm_a = nn.BatchNorm2d(planes)"),
              ("self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "self.projection = projection_shortcut(in_planes, planes, stride)"),
              ("active = F.relu(self.norm_a(x))", "out = F.relu(self.norm_a(self.conv_a(x)))"),
              ("self.projection(active)", "self.projection(x)"),
              ("        out = self.conv_a(active)\n", ""),
              ("self.conv_b(F.relu(self.norm_b(out)))", "self.norm_b(self.conv_b(out))"),
              ("return out + shortcut", "return F.relu(out + shortcut)")],
          ask="In which order do convolution, batch norm and ReLU come?",
          explain="Batch norm and ReLU come after each convolution here, as in the block of lesson 05. In "
                  "pre-activation order they stand in front of it, and nothing follows the addition."),
    Wrong("no_shortcut", [
              ("self.changes = stride != 1 or in_planes != planes", "self.changes = False"),
              ("        shortcut = self.projection(active) if self.changes else x\n", "\n"),
              ("return out + shortcut", "return out")],
          ask="Where is x added?",
          explain="The code computes F(x) alone, two convolutions with batch norm and ReLU in front. The shortcut "
                  "has to be added after the second convolution."),
    Wrong("shortcut_unused", [("return out + shortcut", "return out")],
          ask="The projection is built, but which line of forward uses a shortcut?",
          explain="forward adds no shortcut, so the block computes F(x) alone, and the projection's weights never "
                  "get a gradient. Where the shape stays, x is to be added; where it changes, what the projection "
                  "gives."),
    Wrong("identity_from_activated", [
              ("shortcut = self.projection(active) if self.changes else x",
               "shortcut = self.projection(active) if self.changes else active")],
          ask="Which tensor does the identity shortcut carry?",
          explain="The identity shortcut carries the tensor after batch norm and ReLU, so nothing negative passes, "
                  "and a block with F(x) = 0 does not give x. Where the shape stays, x itself must arrive at the sum "
                  "as it came in: that is the clean path."),
    Wrong("projection_from_raw", [
              ("shortcut = self.projection(active) if self.changes else x",
               "shortcut = self.projection(x) if self.changes else x")],
          ask="At which point does the projection branch off?",
          explain="The projection branches off at the block's input, in front of the batch norm. Where the shape "
                  "changes, it takes what comes out of the first batch norm and ReLU; it has no batch norm of its "
                  "own, and this one is in front of it."),
    Wrong("the_other_way_round", [
              ("shortcut = self.projection(active) if self.changes else x",
               "shortcut = self.projection(x) if self.changes else active")],
          ask="Which tensor goes into the identity, and which into the projection?",
          explain="The activated tensor goes into the identity and x into the projection. It is the other way round: "
                  "x stays untouched where the shape stays, and the projection starts after the first batch norm "
                  "and ReLU."),
    Wrong("x_overwritten", [
              ("        shortcut = self.projection(active) if self.changes else x\n", ""),
              ("out = self.conv_a(active)", "x = self.conv_a(active)"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "x = self.conv_b(F.relu(self.norm_b(x)))"),
              ("return out + shortcut", "return x + (self.projection(x) if self.changes else x)")],
          ask="Which tensor does the shortcut get, x or something that has taken its name?",
          explain="The name x was given to the result of the convolutions, so F(x) is added to itself. Two tensors "
                  "are needed later, the block's input and what comes out of the first ReLU: give each a name of its "
                  "own."),
    Wrong("projection_with_batch_norm", [
              ("self.projection = nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "self.projection = projection_shortcut(in_planes, planes, stride)")],
          ask="Which layers make up the projection?",
          explain="The projection is a 1x1 convolution and a batch norm after it, as in lesson 07. In this order "
                  "the batch norm stands in front of a convolution, and the block's first one already does: the "
                  "convolution alone is enough."),
    Wrong("relu_after_addition", [("return out + shortcut", "return F.relu(out + shortcut)")],
          ask="Which operations stand between the x of this block and the x of the next, besides the addition?",
          explain="A ReLU follows the addition, as in lesson 05: it sets the negative half of the sum to 0 on the "
                  "way of x. In this block the sum leaves as it is."),
    Wrong("batch_norm_after_addition", [
              ("self.norm_b = nn.BatchNorm2d(planes)",
               "self.norm_b = nn.BatchNorm2d(planes); self.norm_c = nn.BatchNorm2d(planes)"),
              ("return out + shortcut", "return F.relu(self.norm_c(out + shortcut))")],
          ask="What follows the addition?",
          explain="A batch norm and a ReLU follow the addition, so x does not pass unchanged. They are the first two "
                  "steps of the next block, on the way into its F; nothing stands on the way of x itself."),
    Wrong("relu_before_addition", [("return out + shortcut", "return F.relu(out) + shortcut")],
          ask="What is the smallest number that can be added to x?",
          explain="A ReLU comes after the second convolution: F(x) is never negative, and the block can only make "
                  "numbers larger. Between that convolution and the sum stands nothing."),
    Wrong("batch_norm_before_addition", [
              ("self.norm_b = nn.BatchNorm2d(planes)",
               "self.norm_b = nn.BatchNorm2d(planes); self.norm_c = nn.BatchNorm2d(planes)"),
              ("return out + shortcut", "return self.norm_c(out) + shortcut")],
          ask="Where do the batch norms of the block stand?",
          explain="A batch norm comes after the second convolution, in front of the addition. There should be two, "
                  "each in front of a convolution with a ReLU between; F(x) is what leaves the second convolution."),
    Wrong("relu_before_batch_norm", [
              ("active = F.relu(self.norm_a(x))", "active = self.norm_a(F.relu(x))"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(self.norm_b(F.relu(out)))")],
          ask="In which order do batch norm and ReLU come?",
          explain="The ReLU comes first here. The batch norm then spreads its numbers around 0 again, and negative "
                  "numbers reach the convolution. Batch norm, ReLU, convolution is the order."),
    Wrong("batch_norm_behind", [
              ("self.norm_a = nn.BatchNorm2d(in_planes)", "self.norm_a = nn.BatchNorm2d(planes)"),
              ("active = F.relu(self.norm_a(x))", "active = F.relu(x)"),
              ("out = self.conv_a(active)", "out = self.norm_a(self.conv_a(active))"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.norm_b(self.conv_b(F.relu(out)))")],
          ask="On which side of the convolutions do the batch norms stand?",
          explain="The batch norms come after the convolutions, as in lesson 05; only the ReLUs have moved in "
                  "front. Batch norm and ReLU move together: both stand in front of the convolution that needs them."),
    Wrong("no_relu_1", [("active = F.relu(self.norm_a(x))", "active = self.norm_a(x)")],
          ask="What stands between the first batch norm and the first convolution?",
          explain="No ReLU follows the first batch norm, so the first convolution (and a projection) gets positive "
                  "and negative numbers alike. A ReLU belongs after each of the two batch norms."),
    Wrong("no_relu_2", [
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(self.norm_b(out))")],
          ask="What stands between the second batch norm and the second convolution?",
          explain="No ReLU follows the second batch norm, so in eval mode the two convolutions are one linear map "
                  "together, plus a constant. A ReLU belongs after each of the two batch norms."),
    Wrong("no_batch_norm_1", [
              ("        self.norm_a = nn.BatchNorm2d(in_planes)\n", "\n"),
              ("active = F.relu(self.norm_a(x))", "active = F.relu(x)")],
          ask="Which layer does x meet first on its way into F?",
          explain="x meets a ReLU first here. A batch norm comes first: x is a sum that nothing has normalised, and "
                  "its size changes from block to block."),
    Wrong("no_batch_norm_2", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(F.relu(out))")],
          ask="What does the first convolution's output meet next?",
          explain="Only a ReLU stands between the two convolutions. As in front of the first convolution, batch norm "
                  "and ReLU stand in front of the second; without the norm, and without a bias, nothing shifts the "
                  "channels before the ReLU cuts them."),
    Wrong("no_activation_2", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(out)")],
          ask="What stands between the two convolutions?",
          explain="Nothing stands between the two convolutions, so they are one linear map together, and the second "
                  "adds little. Batch norm and ReLU stand in front of the second one too."),
    Wrong("first_norm_of_planes", [
              ("self.norm_a = nn.BatchNorm2d(in_planes)", "self.norm_a = nn.BatchNorm2d(planes)")],
          ask="How many channels does the first batch norm see?",
          explain="The first batch norm gets in_planes channels: it stands in front of the first convolution, which "
                  "is the one to change the number. Here it is built for `planes`, so PreActBlock(16, 32) stops with "
                  "an error."),
    Wrong("shared_batch_norm", [
              ("        self.norm_b = nn.BatchNorm2d(planes)\n", "\n"),
              ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(F.relu(self.norm_a(out)))")],
          ask="How many batch norms does the block have?",
          explain="One batch norm is used in two places. Its scale, shift, stored mean and variance then serve both "
                  "and fit neither. Each convolution needs its own in front of it."),
    Wrong("in_place", [("return out + shortcut", "shortcut += out; return shortcut")],
          ask="What does `x += out` do to the tensor that the caller handed in?",
          explain="`x += out` overwrites x: it is the caller's tensor, and += writes into it. The result is right, "
                  "but whoever uses that tensor afterwards finds other numbers in it, and autograd may refuse the "
                  "backward pass. Let the sum be a new tensor."),
    Wrong("returns_none", [("return out + shortcut", "out = out + shortcut")],
          ask="What does forward give back?",
          explain="forward gives back None, as every Python function without a `return` does, and the next layer "
                  "stops with an error. Hand the sum back."),
    Wrong("shortcut_subtracted", [("return out + shortcut", "return out - shortcut")],
          ask="With which sign does the shortcut enter the sum?",
          explain="The shortcut is subtracted: this computes F(x) - x, so that a block with F(x) = 0 gives -x, and "
                  "every block in a row turns the sign round again. It should give x."),
    Wrong("shortcut_detached", [("return out + shortcut", "return out + shortcut.detach()")],
          ask="The numbers are right and the gradient at x is not, so on which of the two ways does it stop?",
          explain="The gradient stops on the shortcut: detach, .data or no_grad there keeps the numbers and stops "
                  "the gradient. The gradient's way back along the sums, which this block keeps free, is then "
                  "closed. Let autograd follow it."),
    Wrong("projects_never", [("stride != 1 or in_planes != planes", "False")],
          ask="What does the shortcut do when the block changes channels or size?",
          explain="The shortcut always leaves x as it is, and (N, 16, 8, 8) cannot be added to (N, 32, 4, 4). In "
                  "those cases, which needs_projection tells, a 1x1 convolution has to bring it to the shape of "
                  "F(x)."),
    Wrong("projects_always", [("stride != 1 or in_planes != planes", "True")],
          ask="What does the shortcut of PreActBlock(16, 16) consist of?",
          explain="The shortcut of PreActBlock(16, 16) is a projection here, with weights that change x. Where the "
                  "block keeps the shape, the shortcut is x itself, without weights."),
    Wrong("projects_for_stride_only", [("stride != 1 or in_planes != planes", "stride != 1")],
          ask="For which blocks is the projection built?",
          explain="The projection is built only for blocks with a stride. With stride 1, PreActBlock(16, 32) changes "
                  "the channels, and x with 16 of them does not fit F(x) with 32. Both changes count."),
    Wrong("projects_for_planes_only", [("stride != 1 or in_planes != planes", "in_planes != planes")],
          ask="For which blocks is there a projection?",
          explain="The projection is built only for blocks that change the channels. PreActBlock(16, 16, stride=2) "
                  "keeps them, but makes 8×8 into 4×4, and x does not fit. Both changes count."),
    Wrong("projection_3x3", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)")],
          ask="How large is the kernel of the projection?",
          explain="The kernel of the projection is 3×3 here, with nine times the weights. The projection is only to "
                  "change the shape: a 1x1 convolution mixes the channels of one pixel and leaves the neighbours to "
                  "F."),
    Wrong("stride_on_second", [
              ("kernel_size=3, stride=stride", "kernel_size=3"),
              ("stride=1, padding", "stride=stride, padding")],
          ask="Which of the two 3x3 convolutions carries the stride?",
          explain="The second convolution carries the stride here. Shapes and parameters are the same either way, "
                  "but the first convolution then works on the large image and costs four times as much. The table "
                  "of the exercise gives the stride to the first."),
    Wrong("stride_on_both", [("stride=1, padding=1", "stride=stride, padding=1")],
          ask="How often does F(x) make the image smaller in PreActBlock(16, 32, stride=2)?",
          explain="Both convolutions have the stride, and 8×8 becomes 2×2 while the shortcut gives 4×4. Only the "
                  "first convolution takes it."),
    Wrong("stride_forgotten", [("stride=stride", "stride=1")],
          ask="Which layers are told about `stride`?",
          explain="No layer uses `stride`, so PreActBlock(16, 32, stride=2) gives 8×8 for 8×8, where it should give "
                  "4×4. The first convolution takes it, and the projection too."),
    Wrong("stride_not_on_projection", [
              ("nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)",
               "nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)")],
          ask="Which height do F(x) and the projection have in PreActBlock(16, 32, stride=2)?",
          explain="With stride 2, F(x) makes 4 rows of 8 and the projection keeps 8, so they cannot be added. The "
                  "stride has to be taken on both ways."),
    Wrong("no_padding", [(" padding=1,", "")],
          ask="What does a 3x3 convolution without padding do to height and width?",
          explain="Without padding, each 3×3 convolution takes away one row or column on every side, so 8×8 becomes "
                  "4×4 after two of them, and x no longer fits. One pixel of padding keeps the size."),
    Wrong("bias_everywhere", [(", bias=False", "")],
          ask="How many of the block's convolutions have a bias?",
          explain="All three convolutions have a bias, the projection too. In this block none needs one: a batch "
                  "norm always comes later, in this block or in the next, and takes the mean away, and the bias with "
                  "it."),
    Wrong("bias_left_on", [("padding=1, bias=False", "padding=1")],
          ask="What becomes of the biases of the two 3x3 convolutions?",
          explain="The bias of the first is taken away by the batch norm after it, together with the mean; what "
                  "that of the second adds to the sum, the batch norms of later blocks take away. Both are built "
                  "without one."),
    Wrong("bias_on_projection", [("kernel_size=1, stride=stride, bias=False", "kernel_size=1, stride=stride")],
          ask="Does the description give the projection a bias?",
          explain="The convolution on the shortcut has a bias. All three convolutions of this block are without one; "
                  "the batch norms bring shifts enough."),
    Wrong("no_default_stride", [("stride=1):", "stride):")],
          ask="What does PreActBlock(16, 16) do, called with two numbers?",
          explain="PreActBlock(16, 16) raises an error, because `stride` has no default. Most blocks of a network "
                  "keep the size, so the argument is 1 when nothing is said."),
    Wrong("wrong_expansion", [("expansion = 1", "expansion = 4")],
          ask="What does the class say about how many channels leave it, as a multiple of planes?",
          explain="The class says `expansion` 4, which is true of the bottleneck. From this block `planes` channels "
                  "come out, one times planes; with a wrong number the next block is built for too many channels."),
    Wrong("no_expansion", [("    expansion = 1\n", "")],
          ask="Where does the class say how many channels leave a block, as a multiple of `planes`?",
          explain="The class attribute `expansion` is missing. ResNet asks the class itself, before a block is "
                  "built, so it stands above __init__. For this block it is 1."),
    Wrong("projection_before_relu", [
              ("active = F.relu(self.norm_a(x))", "early = self.norm_a(x)\n        active = F.relu(early)"),
              ("self.projection(active) if", "self.projection(early) if")],
          ask="Has the tensor that the projection gets been through the first ReLU?",
          explain="The projection takes what the first batch norm gives, before its ReLU. Where the shape changes, it "
                  "takes the same tensor as the first convolution: after batch norm and ReLU."),
]
# fmt: on

EXERCISE = Exercise(
    "preact_block",
    lesson="11",
    defines="PreActBlock",
    reference=PreActBlock,
    observe=observe_class("PreActBlock", CASES),
    start="In forward, give the output of the first batch norm and ReLU a name of its own. Two things need it: the "
    "first convolution, and the projection where there is one. x itself is needed where there is none.",
    answer=ANSWER,
    wrong=WRONG,
    right={
        "ready-made parts": """
class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(in_planes), conv3x3(in_planes, planes, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(planes), conv3x3(planes, planes)
        self.shortcut = None
        if needs_projection(in_planes, planes, stride):
            self.shortcut = nn.Conv2d(in_planes, planes, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(x), inplace=True)
        if self.shortcut is not None:
            x = self.shortcut(out)
        out = self.conv2(torch.relu_(self.bn2(self.conv1(out))))
        out += x
        return out
""",
        "asks for the attribute": """
class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(out)))) + shortcut
""",
        "sequences": """
class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(in_planes), nn.ReLU())
        self.rest = nn.Sequential(
            conv3x3(in_planes, planes, stride), nn.BatchNorm2d(planes), nn.ReLU(), conv3x3(planes, planes)
        )
        self.skip = nn.ModuleList()
        if needs_projection(in_planes, planes, stride):
            self.skip.append(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

    def forward(self, x):
        active = self.first(x)
        for layer in self.skip:
            x = layer(active)
        return torch.add(x, self.rest(active))
""",
        "raw parameters": """
class Act(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("var", torch.ones(size))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.scale, self.shift, self.training).clamp(min=0)

class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.stride, self.act1, self.act2 = stride, Act(in_planes), Act(planes)
        self.w1 = nn.Parameter(0.1 * torch.randn(planes, in_planes, 3, 3))
        self.w2 = nn.Parameter(0.1 * torch.randn(planes, planes, 3, 3))
        changes = stride != 1 or in_planes != planes
        self.w3 = nn.Parameter(0.1 * torch.randn(planes, in_planes, 1, 1)) if changes else None

    def forward(self, x):
        a = self.act1(x)
        skip = x if self.w3 is None else F.conv2d(a, self.w3, stride=self.stride)
        return F.conv2d(self.act2(F.conv2d(a, self.w1, stride=self.stride, padding=1)), self.w2, padding=1) + skip
""",
        "a closure for the shortcut": """
class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        for n, i, s in ((1, in_planes, stride), (2, planes, 1)):
            setattr(self, f"bn{n}", nn.BatchNorm2d(i))
            setattr(self, f"conv{n}", nn.Conv2d(i, planes, 3, s, 1, bias=False))
        self.skip = lambda x, active: x
        if stride != 1 or in_planes != planes:
            self.conv3 = nn.Conv2d(in_planes, planes, 1, stride, bias=False)
            self.skip = lambda x, active: self.conv3(active)

    def forward(self, x):
        active = torch.maximum(self.bn1(x), torch.zeros_like(x))
        return self.skip(x, active) + self.conv2(self.bn2(self.conv1(active)).relu())
""",
        "a subclass of Sequential": """
class PreActBlock(nn.Sequential):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__(
            nn.BatchNorm2d(in_planes), nn.ReLU(), nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False),
            nn.BatchNorm2d(planes), nn.ReLU(), nn.Conv2d(planes, planes, 3, 1, 1, bias=False),
        )
        if needs_projection(in_planes, planes, stride):
            self.append(nn.Conv2d(in_planes, planes, 1, stride, bias=False))

    def forward(self, x):
        norm1, relu1, conv1, norm2, relu2, conv2, *projection = self
        active = relu1(norm1(x))
        return conv2(relu2(norm2(conv1(active)))) + (projection[0](active) if projection else x)
""",
        "ModuleDict": """
class PreActBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.parts = nn.ModuleDict({
            "act": nn.Sequential(nn.BatchNorm2d(in_planes), nn.ReLU()),
            "first": conv3x3(in_planes, planes, stride),
            "second": nn.Sequential(nn.BatchNorm2d(planes), nn.ReLU(), conv3x3(planes, planes)),
            "skip": nn.Identity(),
        })
        if stride != 1 or in_planes != planes:
            self.parts["skip"] = nn.Conv2d(in_planes, planes, 1, stride, bias=False)

    def forward(self, x):
        act, first, second, skip = self.parts.values()
        out = act(x)
        return second(first(out)) + skip(x if isinstance(skip, nn.Identity) else out)

PreActBlock.expansion = 1
""",
    },
    unknown={
        "product": edited(ANSWER, ("return out + shortcut", "return out * shortcut")),
        "mean": edited(ANSWER, ("return out + shortcut", "return 0.5 * (out + shortcut)")),
        "another activation": edited(
            ANSWER,
            ("active = F.relu(self.norm_a(x))", "active = torch.tanh(self.norm_a(x))"),
            ("out = self.conv_b(F.relu(self.norm_b(out)))", "out = self.conv_b(torch.tanh(self.norm_b(out)))"),
        ),
        "another norm": edited(
            ANSWER, ("self.norm_b = nn.BatchNorm2d(planes)", "self.norm_b = nn.InstanceNorm2d(planes, affine=True)")
        ),
    },
    again={
        "the name x given away": (
            "identity_from_activated",
            edited(ANSWER, ("active", "x")),
        ),
        "a ReLU in place on the sum": (
            "relu_after_addition",
            edited(ANSWER, ("return out + shortcut", "return (out + shortcut).relu_()")),
        ),
        "a layer kept in the block": (
            "batch_norm_before_addition",
            edited(
                ANSWER,
                ("self.conv_b = nn.Conv2d(", "self.conv_b = nn.Sequential(nn.Conv2d("),
                ("stride=1, padding=1, bias=False)", "stride=1, padding=1, bias=False), nn.BatchNorm2d(planes))"),
            ),
        ),
    },
)
