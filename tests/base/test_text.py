"""Names in one form, and text that can be written everywhere."""

import unicodedata

import pytest

from resnet_course.assignments import stage_specification
from resnet_course.base.errors import CourseError
from resnet_course.base.text import clean, name_of


@pytest.mark.parametrize("name", ["josé", "김정민", "अमित", "น้ำ", "o'brien", "Ada"])
def test_a_name_has_one_form(name):
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    assert {clean(form) for form in forms} == {name_of(form, "x") for form in forms} == {forms[0]}
    assert len({str(stage_specification(form)) for form in forms}) == 1


def test_half_a_sign_is_replaced_in_text_and_refused_in_a_name():
    assert clean("a\ud83d!") == "a�!"
    assert clean("\ud83d\ude00") == "😀"  # two halves in a row are whole
    with pytest.raises(CourseError, match=r"name of a class is no text: '\w\\\\udcb0'"):
        name_of("x\udcb0", "a class")
