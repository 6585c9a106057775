"""Answers to `vgg_block`: convolutions with ReLU, then one pooling."""

from . import edited

NAME = "vgg_block"

BLOCK = """
    def vgg_block(in_channels, out_channels, num_convs):
        layers = []
        for i in range(num_convs):
            layers.append(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1))
            layers.append(nn.ReLU())
            in_channels = out_channels
        layers.append(nn.MaxPool2d(kernel_size=2))
        return nn.Sequential(*layers)
"""

RIGHT = {
    "a list": BLOCK,
    "padding same, ReLU in place, stride said": edited(
        BLOCK,
        ("padding=1", 'padding="same"'),
        ("nn.ReLU()", "nn.ReLU(inplace=True)"),
        ("MaxPool2d(kernel_size=2)", "MaxPool2d(kernel_size=2, stride=2)"),
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
}

WRONG = {
    "no_padding": edited(BLOCK, (", padding=1", "")),
    "no_relu": edited(BLOCK, ("            layers.append(nn.ReLU())\n", "")),
    "no_relu_between": """
        def vgg_block(in_channels, out_channels, num_convs):
            layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1)]
            layers += [nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in range(num_convs - 1)]
            return nn.Sequential(*layers, nn.ReLU(), nn.MaxPool2d(2))
    """,
    "no_final_relu": edited(
        BLOCK,
        ("layers.append(nn.ReLU())", "if i < num_convs - 1: layers.append(nn.ReLU())"),
    ),
    "relu_before_convolution": """
        def vgg_block(in_channels, out_channels, num_convs):
            layers = []
            for i in range(num_convs):
                layers += [nn.ReLU(), nn.Conv2d(in_channels, out_channels, 3, padding=1)]
                in_channels = out_channels
            return nn.Sequential(*layers, nn.MaxPool2d(2))
    """,
    "no_pool": edited(BLOCK, ("        layers.append(nn.MaxPool2d(kernel_size=2))\n", "")),
    "pool_after_every_convolution": edited(BLOCK, ("        layers.append(nn.Max", "            layers.append(nn.Max")),
    "pool_stride_1": edited(BLOCK, ("kernel_size=2", "kernel_size=2, stride=1")),
    "average_pool": edited(BLOCK, ("MaxPool2d", "AvgPool2d")),
    "pool_rounds_up": edited(BLOCK, ("kernel_size=2", "2, ceil_mode=True")),
    "stride_instead_of_pool": """
        def vgg_block(in_channels, out_channels, num_convs):
            layers = []
            for i in range(num_convs):
                stride = 2 if i == num_convs - 1 else 1
                layers += [nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1), nn.ReLU()]
                in_channels = out_channels
            return nn.Sequential(*layers)
    """,
    "same_input_channels": edited(BLOCK, ("            in_channels = out_channels\n", "")),
    "num_convs_ignored": """
        def vgg_block(in_channels, out_channels, num_convs):
            return nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(),
                nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            )
    """,
    "one_convolution_too_many": """
        def vgg_block(in_channels, out_channels, num_convs):
            layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU()]
            for _ in range(num_convs):
                layers += [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU()]
            return nn.Sequential(*layers, nn.MaxPool2d(2))
    """,
    "one_convolution_too_few": edited(BLOCK, ("range(num_convs)", "range(1, num_convs)")),
    "shared_convolution": """
        def vgg_block(in_channels, out_channels, num_convs):
            more = [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.ReLU()] * (num_convs - 1)
            return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(), *more, nn.MaxPool2d(2))
    """,
    "widens_at_the_end": """
        def vgg_block(in_channels, out_channels, num_convs):
            layers = []
            for _ in range(num_convs - 1):
                layers += [nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            return nn.Sequential(*layers)
    """,
    "kernel_5": edited(BLOCK, ("kernel_size=3, padding=1", "kernel_size=5, padding=2")),
    "batch_norm": edited(BLOCK, ("nn.ReLU())", "nn.Sequential(nn.BatchNorm2d(out_channels), nn.ReLU()))")),
    "no_bias": edited(BLOCK, ("padding=1", "padding=1, bias=False")),
    "list_of_layers": edited(BLOCK, ("return nn.Sequential(*layers)", "return layers")),
    "returns_none": edited(BLOCK, ("        return nn.Sequential(*layers)\n", "")),
}

UNKNOWN = {
    "another activation": edited(BLOCK, ("ReLU", "Sigmoid")),
    "another layer": "def vgg_block(in_channels, out_channels, num_convs): return nn.Flatten()",
}

CRASHING = {
    "a name that is not there": "def vgg_block(in_channels, out_channels, num_convs): return block",
    "a layer in place of the function": "vgg_block = nn.Conv2d(3, 5, 3)",
}
