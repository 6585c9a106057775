"""What an instructor's browser is given of a hand-in, rendered as nbgrader renders it, holds nothing that runs."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import pytest
from nbconvert.filters import markdown2html

from resnet_course.grading.handin.harmless import harmless_attachments, harmless_markdown, harmless_outputs, plain

TAGS = {"p", "em", "strong", "code", "pre", "a", "img", "h1", "h2", "ul", "ol", "li", "blockquote", "br", "hr", "del"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td", "div", "span"}
ATTRIBUTES = {"href", "src", "alt", "title", "class", "id", "align", "style"}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()

ATTACKS = (
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    "<svg/onload=alert(1)>",
    "<\0script>alert(1)</script>",
    "<!-- --><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "$x$<details open ontoggle=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](\njavascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    '[x](https://a.example "onclick=alert(1)")',
    "[x][a]\n\n[a]: javascript:alert(1)",
    "[x][a]\n\n[a]:\n  javascript:alert(1)",
    "[a]\n\n[a]: <javascript:alert(1)>",
    "<javascript:alert(1)>",
    '```x"><img src=x onerror=alert(1)>\ncode\n```',
    "| a |\n|---|\n| <i onclick=alert(1)>x</i> |",
)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize("source", ATTACKS)
def test_no_attack_becomes_markup(source):
    for tag, attributes in Tags(markdown2html(harmless_markdown(source))).found:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES
        for link in (attributes.get("href"), attributes.get("src")):
            assert link is None or link.startswith("https://"), link


def test_the_attacks_are_attacks():
    """Without the change at least the plain ones would run: nbgrader's filter lets them pass."""
    assert "<script>" in markdown2html(ATTACKS[0])
    assert 'href="javascript:' in markdown2html(ATTACKS[6])


def test_formulas_hold_no_links():
    assert "\\href" not in harmless_markdown(r"$\href{javascript:alert(1)}{x}$ and $\require{html}$")
    assert harmless_markdown(r"$\hat y < 3$, $\frac12$") == r"$\hat y < 3$, $\frac12$"


def test_a_report_stays_readable():
    report = "# Ablation\n\n**Plain** at *0.5*, `a <= b`, [paper](https://arxiv.org/abs/1512.03385)\n\n- one\n- two"
    assert harmless_markdown(report) == report
    assert harmless_markdown("![curve](attachment:curve.png)") == "![curve](attachment:curve.png)"


def test_only_text_and_pictures_are_kept_of_outputs():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n", 3]},
        {"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "text/plain": "a table"}},
        {"output_type": "display_data", "data": {"image/png": [PIXEL[:8], "\n" + PIXEL[8:]], "text/html": "<b>"}},
        {"output_type": "display_data", "data": {"image/png": '"><script>alert(1)</script>'}},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload=alert(1)>"}},
        {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "display_data", "data": "not a table"},
        "no output",
    ]
    words, table, picture = harmless_outputs(outputs)
    assert words.text == "one\ntwo\n"
    assert table.text == "a table"
    assert picture.data == {"image/png": PIXEL}
    assert harmless_outputs("nothing") == harmless_outputs(None) == []


def test_a_flood_is_cut():
    flood = [{"output_type": "stream", "text": "x" * 30_000}] * 3
    pictures = [{"output_type": "display_data", "data": {"image/png": base64.b64encode(bytes(900_000)).decode()}}] * 5
    assert [len(output.text) for output in harmless_outputs(flood)] == [20_000]
    assert len(harmless_outputs(pictures)) == 1


def test_pasted_pictures_are_kept_by_plain_names_only():
    pasted = {
        "curve.png": {"image/png": PIXEL},
        'x" onerror="alert(1)': {"image/png": PIXEL},
        "a.svg": {"image/svg+xml": "<"},
    }
    assert harmless_attachments(pasted) == {"curve.png": {"image/png": PIXEL}}
    assert harmless_attachments(["no table"]) == {}


def test_names_are_plain():
    assert plain("<img src=x>.ipynb") == "?img src?x?.ipynb"
    assert plain("과제 1 (final).ipynb") == "과제 1 (final).ipynb"
