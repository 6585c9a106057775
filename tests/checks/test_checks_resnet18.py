"""The check of `resnet18` looks at what a name means now, not at what it meant before."""

from answers import edited, make
from answers.resnet18 import CLASS, LINEAR

from resnet_course import checks


def test_a_class_that_was_defined_anew_is_checked_anew() -> None:
    cells = make(edited(CLASS, (LINEAR, "return 2 * self.linear(out)")) + "\nhere = globals()", "here")
    assert checks.verdict("resnet18", cells["ResNet18"]).status == "failed"
    cells["ResNet"] = make(CLASS, "ResNet")  # another cell; the function ResNet18 is the old one
    assert checks.verdict("resnet18", cells["ResNet18"]).status == "passed"
