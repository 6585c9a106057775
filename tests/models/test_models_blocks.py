import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_course.inspection import count_parameters
from resnet_course.models import (
    BasicBlock,
    Bottleneck,
    PadShortcut,
    PlainBlock,
    PreActBlock,
    conv3x3,
    make_shortcut,
    needs_projection,
    projection_shortcut,
)

OPTIONS = ("A", "B", "C")


@pytest.mark.parametrize(("stride", "side"), [(1, 7), (2, 4)])
def test_conv3x3_keeps_the_size_but_for_the_stride_and_has_no_bias(stride: int, side: int) -> None:
    conv = conv3x3(3, 5, stride)
    assert conv(torch.zeros(2, 3, 7, 7)).shape == (2, 5, side, side)
    assert count_parameters(conv) == 3 * 5 * 9


@pytest.mark.parametrize(
    ("in_planes", "out_planes", "stride", "needed"),
    [(16, 16, 1, False), (16, 32, 1, True), (32, 16, 1, True), (16, 16, 2, True), (16, 32, 2, True)],
)
def test_needs_projection_exactly_where_the_shape_changes(
    in_planes: int, out_planes: int, stride: int, needed: bool
) -> None:
    assert needs_projection(in_planes, out_planes, stride) is needed


@pytest.mark.parametrize("size", [8, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("in_planes", "planes"), [(8, 8), (8, 16)])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_residual_block_shapes(block: type, option: str, in_planes: int, planes: int, stride: int, size: int) -> None:
    out = block(in_planes, planes, stride, option)(torch.randn(2, in_planes, size, size))
    side = -(-size // stride)
    assert out.shape == (2, planes * block.expansion, side, side)


@pytest.mark.parametrize(
    ("option", "in_planes", "out_planes", "stride", "parameters"),
    [
        ("A", 8, 8, 1, 0),
        ("A", 8, 16, 2, 0),
        ("B", 8, 8, 1, 0),
        ("B", 8, 16, 2, 8 * 16 + 2 * 16),
        ("B", 8, 16, 1, 8 * 16 + 2 * 16),
        ("B", 8, 8, 2, 8 * 8 + 2 * 8),
        ("C", 8, 8, 1, 8 * 8 + 2 * 8),
        ("C", 8, 16, 2, 8 * 16 + 2 * 16),
    ],
)
def test_shortcut_parameters_by_option(
    option: str, in_planes: int, out_planes: int, stride: int, parameters: int
) -> None:
    assert count_parameters(make_shortcut(in_planes, out_planes, stride, option)) == parameters


@pytest.mark.parametrize("option", ["A", "B"])
def test_shortcut_is_the_identity_where_nothing_changes(option: str) -> None:
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(make_shortcut(8, 8, 1, option)(x), x)


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda: BasicBlock(8, 16, 2, shortcut="D"), "'D'"), (lambda: PadShortcut(16, 8, 1), "option B")],
    ids=["unknown option", "fewer channels"],
)
def test_a_shortcut_that_does_not_exist_is_refused(make, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(("out_planes", "stride"), [(16, 2), (11, 1), (8, 2), (8, 1)])
def test_pad_shortcut_keeps_every_stride_th_pixel_and_adds_zero_channels(out_planes: int, stride: int) -> None:
    x = torch.randn(2, 8, 7, 7)
    out = PadShortcut(8, out_planes, stride)(x)
    before = (out_planes - 8) // 2
    assert torch.equal(out[:, before : before + 8], x[:, :, ::stride, ::stride])
    assert out[:, :before].count_nonzero() == out[:, before + 8 :].count_nonzero() == 0
    assert out.shape[1] == out_planes


def test_projection_shortcut_is_a_1x1_convolution_and_batch_norm() -> None:
    shortcut, x = projection_shortcut(4, 6, 2), torch.randn(3, 4, 8, 8)
    conv, norm = shortcut
    mixed = torch.einsum("nchw,oc->nohw", x[:, :, ::2, ::2], conv.weight[:, :, 0, 0])
    mean, var = mixed.mean((0, 2, 3), keepdim=True), mixed.var((0, 2, 3), unbiased=False, keepdim=True)
    torch.testing.assert_close(shortcut(x), (mixed - mean) / (var + norm.eps).sqrt())


def batch_norm(x: torch.Tensor, norm: nn.BatchNorm2d, training: bool) -> torch.Tensor:
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    return F.batch_norm(x, mean, var, norm.weight, norm.bias, training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("residual", [True, False])
def test_block_computes_the_formula_and_leaves_its_input_alone(residual: bool, training: bool) -> None:
    torch.manual_seed(0)
    block = (BasicBlock if residual else PlainBlock)(4, 4).train(training)
    for norm in (block.bn1, block.bn2):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
    x = torch.randn(3, 4, 6, 6)
    untouched = x.clone()
    inner = F.relu(batch_norm(F.conv2d(x, block.conv1.weight, padding=1), block.bn1, training))
    inner = batch_norm(F.conv2d(inner, block.conv2.weight, padding=1), block.bn2, training)
    expected = F.relu(inner + x if residual else inner)
    torch.testing.assert_close(block(x), expected)
    assert torch.equal(x, untouched)


@pytest.mark.parametrize("size", [8, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("in_planes", "planes"), [(8, 8), (8, 16), (16, 8)])
def test_preact_block_shapes(in_planes: int, planes: int, stride: int, size: int) -> None:
    block, side = PreActBlock(in_planes, planes, stride), -(-size // stride)
    assert block(torch.randn(2, in_planes, size, size)).shape == (2, planes, side, side)
    assert (block.projection is not None) == needs_projection(in_planes, planes, stride)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("in_planes", "stride"), [(4, 1), (3, 1), (4, 2)])
def test_preact_block_computes_the_formula_and_leaves_its_input_alone(
    in_planes: int, stride: int, training: bool
) -> None:
    torch.manual_seed(0)
    block = PreActBlock(in_planes, 4, stride).train(training)
    for norm in (block.bn1, block.bn2):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
    x = torch.randn(3, in_planes, 6, 6)
    untouched = x.clone()
    active = F.relu(batch_norm(x, block.bn1, training))
    inner = F.relu(batch_norm(F.conv2d(active, block.conv1.weight, stride=stride, padding=1), block.bn2, training))
    shortcut = x if block.projection is None else F.conv2d(active, block.projection.weight, stride=stride)
    torch.testing.assert_close(block(x), F.conv2d(inner, block.conv2.weight, padding=1) + shortcut)
    assert torch.equal(x, untouched)


def test_preact_blocks_pass_the_gradient_on_unchanged_where_f_has_no_weights() -> None:
    stack = nn.Sequential(*(PreActBlock(4, 4) for _ in range(5)))
    for block in stack:
        nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    out = stack(x)
    assert torch.equal(out, x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))


def test_every_parameter_of_a_preact_block_gets_a_gradient() -> None:
    block = PreActBlock(4, 8, 2)
    block(torch.randn(3, 4, 6, 6)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in block.parameters())
