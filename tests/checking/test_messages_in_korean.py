"""What a check says of a wrong answer is Korean where the reader's language is: no English sentence is left."""

from __future__ import annotations

import re

import pytest

from resnet_course import checks
from resnet_course.base import language
from resnet_course.checking.judge import judge

CODE = re.compile(r"`[^`]*`|오류를 냈습니다: .*", re.DOTALL)  # what Python and PyTorch say stays English
WORD = "[A-Za-z][a-z]+"
ENGLISH = re.compile(rf"(?<![\w.(=]){WORD}(?:,? (?:{WORD}|a))+,? {WORD}(?![\w.(=])")  # three words or more


@pytest.mark.parametrize("name", ["fair_split", "basic_block", "evaluate", "early_stopper"])
def test_of_no_wrong_answer_an_english_sentence_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(language.SETTING, "ko")
    exercise = checks.EXERCISES[name]
    assert exercise.wrong
    for wrong in exercise.wrong:
        verdict = judge(exercise, exercise.make(exercise.sources[wrong.id]))
        for english in (verdict.message, verdict.detail, wrong.ask, wrong.explain, exercise.start):
            said = language.translated(english)
            assert not ENGLISH.search(CODE.sub("", said)), (wrong.id, english, said)
            assert not english or re.search("[가-힣]", said), (wrong.id, english, said)
