"""Answers to `projection_shortcut`: a 1x1 convolution and a batch norm."""

from . import edited

NAME = "projection_shortcut"

PROJECTION = """
    def projection_shortcut(in_planes, out_planes, stride):
        return nn.Sequential(
            nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_planes),
        )
"""
CONV = "nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False),"
NORM = "nn.BatchNorm2d(out_planes),"

RIGHT = {
    "sequence": PROJECTION,
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
}

WRONG = {
    "no_batch_norm": edited(PROJECTION, (NORM, "")),
    "bias": edited(PROJECTION, (", bias=False", "")),
    "kernel_3": edited(PROJECTION, ("kernel_size=1", "kernel_size=3, padding=1")),
    "kernel_like_stride": edited(PROJECTION, ("kernel_size=1", "kernel_size=stride")),
    "padding": edited(PROJECTION, ("kernel_size=1", "kernel_size=1, padding=1")),
    "stride_forgotten": edited(PROJECTION, (", stride=stride", "")),
    "stride_always_2": edited(PROJECTION, ("stride=stride", "stride=2")),
    "average_pooling": edited(
        PROJECTION, (CONV, "nn.AvgPool2d(stride, ceil_mode=True), " + CONV), ("stride=stride, ", "")
    ),
    "max_pooling": edited(PROJECTION, (CONV, "nn.MaxPool2d(stride, ceil_mode=True), " + CONV), ("stride=stride, ", "")),
    "relu": edited(PROJECTION, (NORM, NORM + " nn.ReLU(),")),
    "batch_norm_first": edited(PROJECTION, (CONV, "nn.BatchNorm2d(in_planes),"), (NORM, CONV)),
    "batch_norm_of_input": edited(PROJECTION, (NORM, "nn.BatchNorm2d(in_planes),")),
    "planes_swapped": edited(PROJECTION, ("nn.Conv2d(in_planes, out_planes", "nn.Conv2d(out_planes, in_planes")),
    "affine_off": edited(PROJECTION, (NORM, "nn.BatchNorm2d(out_planes, affine=False),")),
    "list_of_layers": edited(PROJECTION, ("nn.Sequential(\n", "[\n"), ("        )\n", "        ]\n")),
    "pair_of_layers": edited(PROJECTION, ("nn.Sequential(\n", "(\n")),
    "returns_none": edited(PROJECTION, ("return nn", "nn")),
}

UNKNOWN = {
    "dropout": edited(PROJECTION, (NORM, "nn.BatchNorm2d(out_planes), nn.Dropout(0.5),")),
}
