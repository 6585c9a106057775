"""Answers to `zero_init_residual`: every block starts as the identity."""

from . import edited

NAME = "zero_init_residual"

ZERO = """
    def zero_init_residual(model):
        for module in model.modules():
            if isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
"""
LINE = "nn.init.zeros_(module.bn2.weight)"

RIGHT = {
    "nn.init": ZERO,
    "model comes back": ZERO + "        return model\n",
    "no_grad": edited(ZERO, (LINE, "with torch.no_grad(): module.bn2.weight.zero_()")),
    "data": edited(ZERO, (LINE, "module.bn2.weight.data *= 0")),
    "new parameter": edited(ZERO, (LINE, "module.bn2.weight = nn.Parameter(torch.zeros_like(module.bn2.weight))")),
    "by attribute": edited(ZERO, ("isinstance(module, BasicBlock)", "hasattr(module, 'bn2')")),
    "by name": """
        @torch.no_grad()
        def zero_init_residual(model):
            for name, parameter in model.named_parameters():
                if name.endswith("bn2.weight"):
                    parameter.fill_(0.0)
    """,
    "apply": """
        def zero_init_residual(model):
            def visit(module):
                if type(module) is BasicBlock:
                    nn.init.constant_(module.bn2.weight, 0)
            return model.apply(visit)
    """,
}

WRONG = {
    "copy_changed": """
        import copy
        def zero_init_residual(model):
            new = copy.deepcopy(model)
            for module in new.modules():
                if isinstance(module, BasicBlock):
                    nn.init.zeros_(module.bn2.weight)
            return new
    """,
    "nothing_changed": edited(ZERO, ("model.modules()", "model.children()")),
    "first_batch_norm": edited(ZERO, ("bn2", "bn1")),
    "both_batch_norms": edited(ZERO, (LINE, LINE + "; nn.init.zeros_(module.bn1.weight)")),
    "bias_for_weight": edited(ZERO, ("bn2.weight", "bn2.bias")),
    "bias_too": edited(ZERO, (LINE, LINE + "; nn.init.zeros_(module.bn2.bias)")),
    "convolution_for_batch_norm": edited(ZERO, ("bn2", "conv2")),
    "ones": edited(ZERO, ("zeros_", "ones_")),
    "projection_too": edited(
        ZERO, (LINE, LINE + "\n                for m in module.shortcut[1:]: nn.init.zeros_(m.weight)")
    ),
    "everywhere": edited(ZERO, ("BasicBlock", "nn.BatchNorm2d"), ("module.bn2.weight", "module.weight")),
    "first_block_only": edited(ZERO, (LINE, LINE + "\n                return model")),
    "last_block_only": """
        def zero_init_residual(model):
            nn.init.zeros_(list(model.layer3)[-1].bn2.weight)
    """,
    "last_of_each_stage": """
        def zero_init_residual(model):
            for stage in model.stages:
                nn.init.zeros_(stage[-1].bn2.weight)
    """,
    "frozen": edited(ZERO, (LINE, LINE + "; module.bn2.weight.requires_grad = False")),
    "no_grad_missing": edited(ZERO, (LINE, "module.bn2.weight *= 0")),
    "number_assigned": edited(ZERO, (LINE, "module.bn2.weight = 0")),
    "tensor_assigned": edited(ZERO, (LINE, "module.bn2.weight = torch.zeros_like(module.bn2.weight)")),
}

UNKNOWN = {
    "half": edited(ZERO, (LINE, "nn.init.constant_(module.bn2.weight, 0.5)")),
}
