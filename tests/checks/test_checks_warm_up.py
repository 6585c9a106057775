"""The check of `warm_up` keeps its own arguments, whatever an answer does to them."""

import answers
from checks_helpers import assert_verdict

ANSWERS = answers.load()["warm_up"]


def test_the_arguments_of_the_check_stay_as_they_are() -> None:
    assert_verdict("warm_up", ANSWERS.make(ANSWERS.unknown["the mean changed in place"]), "failed", "unknown")
    assert_verdict("warm_up", ANSWERS.make(ANSWERS.right["view"]), "passed")
