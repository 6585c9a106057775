"""Settings of Sphinx for the Korean pages, which stand below `ko/`: those of the English ones, and what differs."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conf as english
from conf import *  # noqa: F403

language = "ko"
project = html_title = "VGG에서 ResNet-18까지, 직접 측정하며"
author = f'강좌 "{project}"를 만든 사람들'
project_copyright = f"2026, {author}. 글과 그림: CC BY 4.0; 코드: MIT"
html_baseurl = f"{english.html_baseurl}ko/"
html_static_path = ["../static"]
html_logo = html_favicon = f"../{english.html_favicon}"
templates_path = ["../templates"]
html_sidebars = {"index": [], "run": [], "playground": []}
html_use_index = False
nb_code_prompt_show, nb_code_prompt_hide = "풀이 보기", "풀이 접기"
html_theme_options = {
    **english.html_theme_options,
    "logo": {"text": "VGG에서 ResNet-18까지", "alt_text": "처음"},
    "search_bar_text": "문서 검색",
}
# What neither Sphinx nor its theme says in Korean.
WORDS = {
    "Back to top": "맨 위로",
    "Breadcrumb": "현재 위치",
    "Collapse Sidebar": "옆 메뉴 접기",
    "Color mode": "화면 색",
    "Copyright": "저작권",
    "Dark": "어둡게",
    "Edit this page": "이 페이지 고치기",
    "Error": "오류",
    "Expand Sidebar": "옆 메뉴 펼치기",
    "Home": "처음",
    "Light": "밝게",
    "Link to this heading": "이 제목으로 가는 링크",
    "On this page": "이 페이지의 내용",
    "Report a mistake": "틀린 곳 알리기",
    "Repository": "저장소",
    "Search": "검색",
    "Section Navigation": "목차",
    "Site navigation": "사이트 메뉴",
    "Skip to main content": "본문으로 건너뛰기",
    "System Settings": "시스템 설정",
    "Version warning": "버전 안내",
    "next": "다음",
    "next page": "다음 페이지",
    "previous": "이전",
    "previous page": "이전 페이지",
}


class SearchKorean(SearchLanguage):
    """Words are found without what is put at their end: "잔차" where the text has "잔차를"."""

    lang, language_name = "ko", "Korean"

    def split(self, input: str) -> list[str]:
        """Each word, and for one of Hangul all that it begins with, from one letter on."""
        words = re.findall(r"[가-힣]+|\w+", input)
        hangul = [word for word in words if re.match("[가-힣]", word)]
        return [*words, *(word[:end] for word in hangul for end in range(1, len(word)))]


def setup(app: Sphinx) -> None:
    """As the English pages, with Korean words in the theme."""
    english.setup(app)
    app.add_search_language(SearchKorean)
    app.translator._catalog.update(WORDS)
