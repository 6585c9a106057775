"""Networks of stacked 3x3 convolutions: TinyVGG and VGG.

Reference: Simonyan, Zisserman 2014, "Very Deep Convolutional Networks" (arXiv 1409.1556); TinyVGG follows
    CNN Explainer (Wang et al. 2020, arXiv 2004.15004).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg_block(in_channels: int, out_channels: int, num_convs: int = 2) -> nn.Sequential:
    """`num_convs` times 3x3 convolution and ReLU, then max pooling that halves height and width.

    Shape: (N, in_channels, H, W) -> (N, out_channels, H // 2, W // 2)

    Taught in lesson 01. Reference: Simonyan & Zisserman 2014, section 2.1.
    """
    layers: list[nn.Module] = []
    for _ in range(num_convs):
        layers += [nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1), nn.ReLU()]
        in_channels = out_channels
    layers.append(nn.MaxPool2d(kernel_size=2))
    return nn.Sequential(*layers)


class TinyVGG(nn.Module):
    """Two VGG blocks of ten channels and one linear layer.

    CNN Explainer's network has no padding; ours pads, so that only the pooling shrinks the image.

    Args:
        in_channels: channels of the images.
        hidden_units: channels of both blocks.
        num_classes: outputs of the last layer.
        image_size: height and width of the images, a multiple of 4: the linear layer is made for it.

    Shape: (N, in_channels, image_size, image_size) -> (N, num_classes) logits

    Raises:
        ValueError: if `image_size` is not a multiple of 4.

    Taught in lesson 01.
    """

    def __init__(
        self, in_channels: int = 3, hidden_units: int = 10, num_classes: int = 10, image_size: int = 64
    ) -> None:
        super().__init__()
        if image_size < 4 or image_size % 4:
            raise ValueError(f"image_size must be a multiple of 4 (two poolings halve it twice), got {image_size}")
        self.block1 = vgg_block(in_channels, hidden_units)
        self.block2 = vgg_block(hidden_units, hidden_units)
        self.linear = nn.Linear(hidden_units * (image_size // 4) ** 2, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block1(x)  # (N, hidden_units, H / 2, W / 2)
        x = self.block2(x)  # (N, hidden_units, H / 4, W / 4)
        return self.linear(x.flatten(1))  # (N, num_classes)


class VGG(nn.Module):
    """VGG blocks, then three linear layers. The pooling before them gives 7x7 whatever the image size.

    Shape: (N, 3, H, W) -> (N, num_classes) logits, with H and W at least 32

    Reference: Simonyan & Zisserman 2014, table 1.
    """

    def __init__(self, stages: Sequence[Sequence[int]], num_classes: int) -> None:
        super().__init__()
        blocks, in_channels = [], 3
        for stage in stages:
            blocks.append(vgg_block(in_channels, stage[-1], len(stage)))
            in_channels = stage[-1]
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.pool(self.blocks(x)).flatten(1))


def vgg16(num_classes: int = 1000) -> VGG:
    """VGG-16 (configuration D): 138,357,544 parameters with 1000 classes. Counted in lesson 01."""
    return VGG(VGG16_STAGES, num_classes)
