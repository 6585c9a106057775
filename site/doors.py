"""The ways from a page of the site to where it can be mended, and what other sites show of a link to it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from resnet_course.course.address import Repository, repository

ROOT = Path(__file__).resolve().parent.parent
HOME = repository(ROOT)
FOLDERS = {"lessons": "notebooks/sources", "instructor": "docs/instructor", "reference": "docs", "": "site/pages"}


def source_of(page: str) -> str:
    """The file that people edit for a page, seen from the root; empty where a page is made of records or docstrings."""
    folder, _, name = page.rpartition("/")
    if folder == "ko/lessons" and name[:1].isdigit():
        return f"resnet_course/translations/{page}.po"
    for place in dict.fromkeys((FOLDERS.get(folder, ""), f"site/pages/{folder}".rstrip("/"), f"site/{folder}")):
        for suffix in (".md", ".py", ".html"):
            if place and (ROOT / place / f"{name}{suffix}").is_file():
                return f"{place}/{name}{suffix}"
    return ""


def links(page: str, title: str, home: Repository = HOME) -> dict[str, str]:
    """Names for the template `mend.html`: addresses that edit a page and report a mistake in it."""
    source = source_of(page)
    report = f"{home.address}/issues/new?template=mistake_in_a_lesson.yml&where={quote(title)}"
    return {
        "edit_url": f"{home.address}/edit/main/{source}" if source else "",
        "report_url": report,
        "repository": home.address,
    }


def twin(page: str, korean: Sequence[str]) -> str:
    """The same page in the other language, or where there is none the Korean home; empty on a site without Korean.

    Args:
        page: its name, seen from the site; Korean ones stand below `ko/`.
        korean: the names of pages that there are in Korean, seen from `ko/`.
    """
    if page.startswith("ko/"):
        return f"../{page.removeprefix('ko/')}.html"
    return f"ko/{page if page in korean else 'index'}.html" if any(korean) else ""  # Sphinx makes [""] of an empty list


def preview(page: str, title: str, home: Repository = HOME) -> str:
    """Meta tags from which other sites make a card of a link to the page (ogp.me)."""
    tags = {
        "og:title": title,
        "og:type": "website",
        "og:url": f"{home.site}{page}.html",
        "og:image": f"{home.site}preview.png",
        "og:image:alt": "Training error by depth: plain networks get worse, residual networks do not.",
    }
    lines = [f'<meta property="{name}" content="{escape(text)}">' for name, text in tags.items()]
    return "\n".join([*lines, '<meta name="twitter:card" content="summary_large_image">'])
