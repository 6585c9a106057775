"""The web site as a reader meets it: every page at three widths, light and dark, without a kernel."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from visiting import ROOT, SCREENSHOTS, SITE

from resnet_course.notebook.lessons import LESSONS

WIDTHS = ((1280, 800), (768, 1024), (390, 844))
SIZES = {"light": WIDTHS, "dark": WIDTHS[::-1]}
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
SHOWN = (  # kept as pictures
    *("index", "lessons/04_degradation", "lessons/07_shortcuts", "results/index", "playground"),
    *("ko/index", "ko/lessons/04_degradation", "ko/lessons/05_residual_block"),
)


class Addresses(HTMLParser):
    """What a page links to, what it loads, its ids, its words about itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.pictures: list[dict] = []
        self.description = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("img", "script", "iframe") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        if tag == "img":
            self.pictures.append(found)
        if tag == "meta" and found.get("name") == "description":
            self.description = found["content"]


@pytest.fixture(scope="session")
def read() -> dict[str, Addresses]:
    return {page: Addresses((SITE / page).read_text(encoding="utf-8")) for page in PAGES}


def test_the_pages_are_of_todays_lessons() -> None:
    for lesson in LESSONS:
        today = ROOT / "notebooks" / "solutions" / lesson.file_name
        built = SITE / "notebooks" / f"{today.stem}_solution.ipynb"
        assert built.read_bytes() == today.read_bytes(), f"lesson {lesson.number} has changed since `make site`"
        assert f"lessons/{today.stem}.html" in PAGES


def test_every_link_and_file_inside_the_site_is_there(read: dict[str, Addresses]) -> None:
    dead = []
    for page, found in read.items():
        for link in [*found.links, *found.loaded]:
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            address = urlsplit(urljoin(page, link))
            fragment = unquote(address.fragment)
            path = SITE / (unquote(address.path) or page)
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                dead.append(f"{page}: {link}")
            elif fragment and path.suffix == ".html":
                known = read[str(path.relative_to(SITE))].ids
                if fragment not in known:
                    dead.append(f"{page}: {link} (no such place)")
    assert dead == []


def test_every_page_is_described_and_every_figure_told(read: dict[str, Addresses]) -> None:
    made_by_sphinx = {"genindex.html", "py-modindex.html", "search.html", "ko/search.html"}
    for page, found in read.items():
        assert all(picture.get("alt", "").strip() for picture in found.pictures), page
        if page not in made_by_sphinx:
            assert len(found.description) > 40, page
    descriptions = [found.description for page, found in read.items() if page.startswith("lessons/")]
    assert len(set(descriptions)) == len(descriptions)


def test_figures_of_lessons_are_files_and_not_part_of_their_pages() -> None:
    for page in PAGES:
        if "lessons/" in page:
            inline = re.findall(r"data:image/[^\s\"'&]{4000,}", (SITE / page).read_text(encoding="utf-8"))
            assert [picture[:60] for picture in inline] == [], page
    assert not list(SITE.rglob(".doctrees"))


QUICK = {("index.html", "light"), ("lessons/08_resnet18.html", "dark")}  # the complete run has every page in both


@pytest.mark.parametrize(
    ("page", "scheme"),
    [
        pytest.param(page, scheme, marks=[] if (page, scheme) in QUICK else pytest.mark.complete)
        for page in PAGES
        for scheme in SIZES
    ],
)
def test_a_page_is_accessible_quiet_and_fits(visit, page: str, scheme: str) -> None:
    """At three widths in both schemes; the rules are tried light on a wide screen and dark on a phone."""
    first, *others = SIZES[scheme]
    visit.page.emulate_media(color_scheme=scheme)
    set_size(visit.page, *first)
    visit.open(page)
    assert visit.page.evaluate("document.documentElement.dataset.theme") == scheme
    assert find_violations(visit.page) == []
    for width, height in (first, *others):
        set_size(visit.page, width, height)
        scrolls = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert scrolls <= 0, f"at {width} pixels the page is {scrolls} pixels too wide"
        if (name := page.removesuffix(".html")) in SHOWN:
            keep_picture(visit.page, f"{name.replace('/', '_')}_{width}_{scheme}")
    assert visit.outside == []
    assert visit.errors == []


CUT = """() => {
    for (const folded of document.querySelectorAll(".bd-article details")) folded.open = true;
    return [...document.querySelectorAll(".bd-article pre")]
        .filter((code) => code.scrollWidth > code.clientWidth)
        .map((code) => `${code.scrollWidth - code.clientWidth} pixels: ${code.textContent.slice(0, 80)}`);
}"""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page == "lessons/08_resnet18.html" else pytest.mark.complete)
        for page in PAGES
        if re.search(r"lessons/\d", page)
    ],
)
def test_no_line_of_a_lesson_is_cut_on_a_wide_screen(visit, page: str) -> None:
    set_size(visit.page, 1440, 900)
    visit.open(page)
    assert visit.page.evaluate(CUT) == []


@pytest.mark.complete
def test_figures_keep_their_words_readable_on_a_phone(visit) -> None:
    set_size(visit.page, 390, 844)
    visit.open("lessons/04_degradation.html")
    widths = visit.page.evaluate(
        "[...document.querySelectorAll('.cell_output figure img')].map(picture => picture.clientWidth)"
    )
    assert max(widths) > 600
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def set_size(page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})


def keep_picture(page, name: str) -> None:
    """What is seen first, and the explorer if the page has one."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    for explorer in page.locator(".explorer").all():
        explorer.screenshot(path=SCREENSHOTS / f"{name}_explorer.png")
        page.evaluate("scrollTo(0, 0)")


def find_violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    options = {"preload": False, "resultTypes": ["violations"]}  # fetch no style sheet again, list only what is wrong
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.complete
def test_search_finds_a_lesson(visit) -> None:
    visit.open("search.html?q=degradation")
    result = visit.page.locator("#search-results a", has_text="The degradation problem").first
    result.wait_for(timeout=20_000)
    result.click()
    assert "04_degradation.html" in visit.page.url
    assert visit.outside == []


@pytest.mark.complete
@pytest.mark.skipif("ko/lessons/00_start_here.html" not in PAGES, reason="no lesson was run in Korean")
def test_the_language_is_switched_on_the_same_lesson_and_search_finds_korean(visit) -> None:
    visit.open("lessons/00_start_here.html")
    visit.page.get_by_role("link", name="한국어", exact=True).click()
    visit.page.wait_for_url("**/ko/lessons/00_start_here.html")
    assert visit.page.evaluate("document.documentElement.lang") == "ko"
    assert visit.page.evaluate("getComputedStyle(document.querySelector('p')).wordBreak") == "keep-all"
    assert "/notebooks/ko/00_start_here.ipynb" in visit.page.locator(".launch a").first.get_attribute("href")
    assert find_violations(visit.page) == []
    visit.page.get_by_role("link", name="English", exact=True).click()
    visit.page.wait_for_url(f"{visit.address}lessons/00_start_here.html")
    visit.open("results/index.html")  # which there is in English only
    visit.page.get_by_role("link", name="한국어", exact=True).click()
    visit.page.wait_for_url("**/ko/index.html")
    visit.page.get_by_role("link", name="브라우저에서 신경망 두 개 학습시키기").click()
    visit.page.get_by_role("button", name="100스텝 학습").wait_for()
    visit.open("ko/search.html?q=신경망")  # which stands there with something at its end
    visit.page.locator("#search-results a[href*='00_start_here']").first.wait_for(timeout=20_000)
    assert visit.outside == []
    assert visit.errors == []


@pytest.mark.complete
def test_a_solution_is_folded_and_unfolds(visit) -> None:
    visit.open("lessons/04_degradation.html")
    solution = visit.page.locator("details", has_text="Show the solution").first
    code = solution.locator("pre")
    assert not code.is_visible()
    solution.locator("summary").focus()
    visit.page.keyboard.press("Enter")
    assert "nn.Conv2d(in_planes, planes" in code.inner_text()
    stub = visit.page.locator("pre", has_text="raise NotImplementedError").first
    assert stub.is_visible()


@pytest.mark.complete
def test_the_shape_tracer_shows_the_shapes_and_the_error(visit) -> None:
    visit.open("lessons/08_resnet18.html")
    answer = visit.page.locator(".explorer-answer")
    assert "512×4×4" in answer.inner_text()
    visit.page.get_by_label("ResNet-50").check()
    assert "2048×4×4" in answer.inner_text()
    visit.page.get_by_label("as in the notes").check()
    slider = visit.page.get_by_label("image size")
    slider.focus()
    visit.page.keyboard.press("End")
    assert re.search(r"RuntimeError: .*shapes", answer.inner_text())
    assert visit.errors == []


@pytest.mark.complete
def test_the_launch_bar_leads_to_the_notebook(visit) -> None:
    visit.open("lessons/08_resnet18.html")
    bar = visit.page.locator(".launch")
    colab = bar.get_by_text("Open in Colab").get_attribute("href")
    assert colab.startswith("https://colab.research.google.com/github/")
    assert colab.endswith("/notebooks/08_resnet18.ipynb")
    assert (ROOT / "notebooks" / Path(colab).name).is_file()
    with visit.page.expect_download() as download:
        bar.get_by_text("Download the notebook").click()
    student = ROOT / "notebooks" / "08_resnet18.ipynb"
    assert Path(download.value.path()).read_bytes() == student.read_bytes()
