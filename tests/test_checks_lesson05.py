"""The checks of lesson 05 but for the whole network: right answers in other words pass, each mistake is named."""

import pytest
from checks_helpers import assert_found, assert_verdict, edited, make

from resnet_course import checks

# --- make_layer -----------------------------------------------------------------------------------------------------

LOOP = """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = []
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
"""
FIRST_AND_REST = """
def make_layer(block, in_planes, planes, num_blocks, stride):
    out_planes = planes * block.expansion
    first = block(in_planes, planes, stride)
    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]
    return nn.Sequential(first, *rest), out_planes
"""

RIGHT_LAYERS = {
    "loop": LOOP,
    "first and rest": FIRST_AND_REST,
    "by keyword": edited(LOOP, ("(in_planes, planes, each)", "(in_planes=in_planes, planes=planes, stride=each)")),
    "added by name": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    stage = nn.Sequential()
    for index in range(num_blocks):
        stage.add_module(f"block{index}", block(in_planes, planes, stride if index == 0 else 1))
        in_planes = block.expansion * planes
    return stage, in_planes
""",
    "a stage in a stage": edited(FIRST_AND_REST, ("first, *rest", "first, nn.Sequential(*rest)")),
    "as a list of two": edited(
        LOOP, ("return nn.Sequential(*layers), in_planes", "return [nn.Sequential(*layers), in_planes]")
    ),
}

UPDATE = "        in_planes = planes * block.expansion\n"
WRONG_LAYERS = {
    "nothing_returned": edited(LOOP, ("return nn", "stage = nn")),
    "in_planes_forgotten": edited(LOOP, (UPDATE, "")),
    "expansion_ignored": edited(LOOP, ("planes * block.expansion", "planes")),
    "expansion_twice": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = []
    planes = planes * block.expansion
    for each in [stride] + [1] * (num_blocks - 1):
        layers.append(block(in_planes, planes, each))
        in_planes = planes * block.expansion
    return nn.Sequential(*layers), in_planes
""",
    "starts_with_planes": edited(LOOP, ("layers = []", "layers, in_planes = [], planes * block.expansion")),
    "stride_on_all": edited(LOOP, ("[stride] + [1] * (num_blocks - 1)", "[stride] * num_blocks")),
    "stride_never": edited(LOOP, (", planes, each)", ", planes)")),
    "stride_on_last": edited(LOOP, ("[stride] + [1] * (num_blocks - 1)", "[1] * (num_blocks - 1) + [stride]")),
    "one_block_too_many": edited(LOOP, ("(num_blocks - 1)", "num_blocks")),
    "one_block_too_few": edited(FIRST_AND_REST, ("num_blocks - 1", "num_blocks - 2")),
    "one_block_only": edited(LOOP, ("    return", "        return")),
    "same_block_repeated": edited(
        FIRST_AND_REST,
        ("first = block(in_planes, planes, stride)", "blocks = [block(in_planes, planes, stride)] * num_blocks"),
        ("    rest = [block(out_planes, planes) for _ in range(num_blocks - 1)]\n", ""),
        ("first, *rest", "*blocks"),
    ),
    "later_blocks_shared": """
def make_layer(block, in_planes, planes, num_blocks, stride):
    layers = [block(in_planes, planes, stride)]
    in_planes = planes * block.expansion
    if num_blocks > 1:
        layers += [block(in_planes, planes, 1)] * (num_blocks - 1)
    return nn.Sequential(*layers), in_planes
""",
    "old_in_planes_returned": edited(FIRST_AND_REST, ("*rest), out_planes", "*rest), in_planes")),
    "planes_returned": edited(LOOP, ("(*layers), in_planes", "(*layers), planes")),
    "stage_only": edited(LOOP, ("(*layers), in_planes", "(*layers)")),
    "results_swapped": edited(LOOP, ("nn.Sequential(*layers), in_planes", "in_planes, nn.Sequential(*layers)")),
    "python_list": edited(LOOP, ("nn.Sequential(*layers)", "layers")),
    "module_list": edited(LOOP, ("nn.Sequential(*layers)", "nn.ModuleList(layers)")),
    "star_forgotten": edited(LOOP, ("*layers", "layers")),
}

# --- flat_features --------------------------------------------------------------------------------------------------

FORMULA = """
def flat_features(image_size, expansion=1):
    return 512 * expansion * (image_size // 8 // 4) ** 2
"""

RIGHT_FEATURES = {
    "formula": FORMULA,
    "loops": """
def flat_features(image_size, expansion=1):
    side = image_size
    for stride in (1, 2, 2, 2):
        side = side // stride
    windows = (side // 4) * (side // 4)
    return 512 * windows * expansion
""",
    "measured": """
def flat_features(image_size, expansion=1):
    maps = torch.zeros(1, 512 * expansion, image_size // 8, image_size // 8)
    return F.avg_pool2d(maps, 4).flatten(1).shape[1]
""",
    "one division": edited(FORMULA, ("image_size // 8 // 4", "image_size // 32")),
    "made whole": edited(FORMULA, ("(image_size // 8 // 4) ** 2", "int((image_size / 32) ** 2)")),
}

WRONG_FEATURES = {
    "nothing_returned": edited(FORMULA, ("return", "inputs =")),
    "always_2048": edited(FORMULA, ("512 * expansion * (image_size // 8 // 4) ** 2", "2048 * expansion")),
    "always_512": edited(FORMULA, (" * (image_size // 8 // 4) ** 2", "")),
    "float_result": edited(FORMULA, ("image_size // 8 // 4", "image_size / 8 / 4")),
    "side_not_squared": edited(FORMULA, (" ** 2", "")),
    "pooling_forgotten": edited(FORMULA, (" // 4", "")),
    "pooling_stride_1": edited(FORMULA, ("8 // 4", "8 - 4 + 1")),
    "halvings_forgotten": edited(FORMULA, (" // 8", "")),
    "four_halvings": edited(FORMULA, ("// 8", "// 2**4")),
    "two_halvings": edited(FORMULA, ("// 8", "// 2**2")),
    "imagenet_stem": edited(FORMULA, ("// 8", "// 4 // 8")),
    "expansion_ignored": edited(FORMULA, (" * expansion", "")),
    "expansion_squared": edited(FORMULA, ("512 * expansion * (", "512 * (expansion * (")).replace(") **", ")) **"),
    "channels_forgotten": edited(FORMULA, ("512 * ", "")),
    "channels_of_first_stage": edited(FORMULA, ("512", "64")),
    "colours_counted": edited(FORMULA, ("512", "3 * 512")),
}

# --- load_torchvision -----------------------------------------------------------------------------------------------

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

RIGHT_LOADERS = {
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
WRONG_LOADERS = {
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

ANSWERS = {
    "make_layer": (RIGHT_LAYERS, WRONG_LAYERS),
    "flat_features": (RIGHT_FEATURES, WRONG_FEATURES),
    "load_torchvision": (RIGHT_LOADERS, WRONG_LOADERS),
}
RIGHT = [
    pytest.param(name, source, id=f"{name}: {word}") for name in ANSWERS for word, source in ANSWERS[name][0].items()
]
WRONG = [
    pytest.param(name, source, word, id=f"{name}: {word}")
    for name in ANSWERS
    for word, source in ANSWERS[name][1].items()
]
KNOWN = [
    pytest.param(name, mistake, id=f"{name}: {mistake.id}")
    for name in ANSWERS
    for mistake in checks.EXERCISES[name].mistakes
]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_reference_passes(name):
    assert_verdict(name, checks.EXERCISES[name].reference, "passed")


@pytest.mark.parametrize(("name", "source"), RIGHT)
def test_right_answers_in_other_words_pass(name, source):
    assert_verdict(name, make(source, name), "passed")


@pytest.mark.parametrize(("name", "mistake"), KNOWN)
def test_each_mistake_is_told_from_all_others(name, mistake):
    assert_found(name, mistake.implementation, mistake.id)


@pytest.mark.parametrize(("name", "source", "hint_id"), WRONG)
def test_each_mistake_is_found_as_a_learner_writes_it(name, source, hint_id):
    assert_found(name, make(source, name), hint_id)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_mistake_is_written_as_a_learner_would(name):
    assert list(ANSWERS[name][1]) == [mistake.id for mistake in checks.EXERCISES[name].mistakes]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stub_is_not_written_yet(name):
    assert_verdict(name, make(f"def {name}(*arguments):\n    raise NotImplementedError", name), "not_written")


@pytest.mark.parametrize("answer", [None, 3, "text", [1]])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_object_of_the_wrong_kind_is_reported(name, answer):
    assert checks.verdict(name, answer).status in ("failed", "crashed")


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_raises_is_reported(name):
    source = f"def {name}(*arguments, **options):\n    raise KeyError('mine')"
    assert_verdict(name, make(source, name), "crashed", "unknown")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("make_layer", edited(LOOP, ("[stride] + [1] * (num_blocks - 1)", "[stride] + [3] * (num_blocks - 1)"))),
        ("make_layer", edited(LOOP, ("in_planes\n", "str(in_planes)\n"))),
        ("flat_features", edited(FORMULA, ("512", "500"))),
        ("flat_features", edited(FORMULA, ("return ", "return 'about', "))),
        ("load_torchvision", edited(RENAMED, ("renamed[name] = tensor", "renamed[name] = 2 * tensor"))),
    ],
)
def test_an_unknown_mistake_is_called_unknown(name, source):
    assert_verdict(name, make(source, name), "failed", "unknown")


def test_a_stage_that_is_built_right_and_runs_wrong_is_seen():
    reversed_sign = "class Negative(nn.Sequential):\n    def forward(self, x):\n        return super().forward(-x)\n"
    source = reversed_sign + edited(LOOP, ("nn.Sequential", "Negative"))
    assert_verdict("make_layer", make(source, "make_layer"), "failed", "unknown")
