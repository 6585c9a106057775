"""Answers to `pad_shortcut`: zeros in place of new channels."""

from . import edited

NAME = "pad_shortcut"

PAD = """
    def pad_shortcut(x, out_planes, stride):
        x = x[:, :, ::stride, ::stride]
        missing = out_planes - x.shape[1]
        before = missing // 2
        return F.pad(x, (0, 0, 0, 0, before, missing - before))
"""
PIXELS = "x = x[:, :, ::stride, ::stride]"
RETURN = "return F.pad(x, (0, 0, 0, 0, before, missing - before))"

RIGHT = {
    "pad": PAD,
    "into a tensor of zeros": """
        def pad_shortcut(x, out_planes, stride):
            small = x[..., ::stride, ::stride]
            n, c, h, w = small.shape
            out = torch.zeros(n, out_planes, h, w)
            first = (out_planes - c) // 2
            out[:, first : first + c] = small
            return out
    """,
    "zeros beside x": """
        def pad_shortcut(x, out_planes, stride):
            x = x[:, :, ::stride, ::stride]
            missing = out_planes - x.size(1)
            before = torch.zeros_like(x[:, :1]).repeat(1, missing // 2, 1, 1)
            after = x.new_zeros(len(x), missing - missing // 2, *x.shape[2:])
            return torch.cat([before, x, after], dim=1)
    """,
    "pooling with a window of one pixel": edited(PAD, (PIXELS, "x = F.avg_pool2d(x, 1, stride)")),
}

WRONG = {
    "zeros_after": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, 0, missing))")),
    "zeros_before": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, missing, 0))")),
    "extra_zero_before": edited(PAD, ("missing // 2", "missing - missing // 2")),
    "assumes_doubling": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, out_planes // 4, out_planes // 4))")),
    "too_many_zeros": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, missing, missing))")),
    "out_planes_added": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, 0, out_planes))")),
    "odd_one_missing": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, before, before))")),
    "ones": edited(PAD, (RETURN, "return F.pad(x, (0, 0, 0, 0, before, missing - before), value=1)")),
    "channels_repeated": """
        def pad_shortcut(x, out_planes, stride):
            x = x[:, :, ::stride, ::stride]
            index = torch.arange(out_planes) % x.shape[1]
            return x[:, index]
    """,
    "stride_forgotten": edited(PAD, (PIXELS, "")),
    "rows_only": edited(PAD, (PIXELS, "x = x[:, :, ::stride]")),
    "corner_kept": edited(PAD, (PIXELS, "h = -(-x.shape[-1] // stride); x = x[:, :, :h, :h]")),
    "starts_late": edited(PAD, (PIXELS, "x = x[:, :, stride - 1 :: stride, stride - 1 :: stride]")),
    "average_pooling": edited(PAD, (PIXELS, "x = F.avg_pool2d(x, stride, ceil_mode=True)")),
    "max_pooling": edited(PAD, (PIXELS, "x = F.max_pool2d(x, stride, ceil_mode=True)")),
    "width_padded": edited(PAD, (RETURN, "return F.pad(x, (before, missing - before, 0, 0, 0, 0))")),
    "detached": edited(PAD, (PIXELS, "x = x.detach()[:, :, ::stride, ::stride]")),
    "module_returned": """
        def pad_shortcut(x, out_planes, stride):
            return PadShortcut(x.shape[1], out_planes, stride)
    """,
    "returns_none": edited(PAD, ("return F", "F")),
}

UNKNOWN = {
    "doubled": edited(PAD, (RETURN, RETURN + " * 2")),
}
