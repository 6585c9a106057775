"""Answers to `load_torchvision`: torchvision's weights under the course's names."""

from . import edited

NAME = "load_torchvision"

RENAMED = """
def load_torchvision(model, state_dict):
    renamed = {}
    for name, tensor in state_dict.items():
        name = name.replace("downsample", "shortcut")
        name = name.replace("fc", "linear")
        renamed[name] = tensor
    model.load_state_dict(renamed)
    return model
"""

RIGHT = {
    "renamed": RENAMED,
    "by comprehension": """
def load_torchvision(model, state_dict):
    words = {"downsample": "shortcut", "fc": "linear"}
    new = {".".join(words.get(word, word) for word in name.split(".")): t for name, t in state_dict.items()}
    model.load_state_dict(new)
    return model
""",
    "package": """
def load_torchvision(model, state_dict):
    load_torchvision_state_dict(model, state_dict)
    return model
""",
    "tensor by tensor": """
def load_torchvision(model, state_dict):
    own = model.state_dict()
    theirs = {}
    for name in own:
        other = name.replace("shortcut", "downsample").replace("linear", "fc")
        theirs[name] = state_dict[other]
    for name, tensor in own.items():
        tensor.copy_(theirs[name])
    return model
""",
    "without the counters": edited(
        RENAMED,
        ("        renamed[name] = tensor", "        if 'num_batches' not in name:\n            renamed[name] = tensor"),
        ("model.load_state_dict(renamed)", "missing = model.load_state_dict(renamed, strict=False).missing_keys\n"
         "    assert all('num_batches' in name for name in missing)"),
    ),
}  # fmt: skip

NO_SHORTCUT = ('        name = name.replace("downsample", "shortcut")\n', "")
NO_LINEAR = ('        name = name.replace("fc", "linear")\n', "")
SILENT = ("load_state_dict(renamed)", "load_state_dict(renamed, strict=False)")
COPY = "    import copy\n    model = copy.deepcopy(model)\n"
WRONG = {
    "never_loaded": edited(RENAMED, ("    model.load_state_dict(renamed)\n", "")),
    "copy_loaded": edited(RENAMED, ("    renamed = {}", COPY + "    renamed = {}")),
    "not_renamed": "def load_torchvision(model, state_dict):\n    model.load_state_dict(state_dict)\n    return model",
    "not_renamed_and_silenced": edited(RENAMED, NO_SHORTCUT, NO_LINEAR, SILENT),
    "only_linear_renamed": edited(RENAMED, NO_SHORTCUT),
    "only_shortcut_renamed": edited(RENAMED, NO_LINEAR),
    "only_linear_renamed_and_silenced": edited(RENAMED, NO_SHORTCUT, SILENT),
    "only_shortcut_renamed_and_silenced": edited(RENAMED, NO_LINEAR, SILENT),
    "strict_off": edited(RENAMED, SILENT),
    "statistics_forgotten": edited(
        RENAMED,
        ("        renamed[name]", "        if name in dict(model.named_parameters()):\n            renamed[name]"),
        SILENT,
    ),
    "by_place": """
def load_torchvision(model, state_dict):
    names = list(model.state_dict())
    model.load_state_dict({name: tensor for name, tensor in zip(names, state_dict.values())})
    return model
""",
    "changed_while_looping": """
def load_torchvision(model, state_dict):
    for name in state_dict.keys():
        if "downsample" in name:
            state_dict[name.replace("downsample", "shortcut")] = state_dict.pop(name)
        elif "fc" in name:
            state_dict[name.replace("fc", "linear")] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model
""",
    "argument_changed": """
def load_torchvision(model, state_dict):
    for name in list(state_dict.keys()):
        new = name.replace("downsample", "shortcut").replace("fc", "linear")
        if new != name:
            state_dict[new] = state_dict.pop(name)
    model.load_state_dict(state_dict)
    return model
""",
    "keys_returned": edited(RENAMED, ("    model.load", "    return model.load"), ("    return model\n", "")),
    "state_returned": edited(RENAMED, ("return model", "return renamed")),
    "nothing_returned": edited(RENAMED, ("    return model\n", "")),
}  # fmt: skip

UNKNOWN = {
    "doubled": edited(RENAMED, ("renamed[name] = tensor", "renamed[name] = 2 * tensor")),
}
