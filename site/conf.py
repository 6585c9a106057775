"""Settings of Sphinx for the course's web site; `build_site.py` calls it.

Nothing is fetched when a page is opened: no MathJax, no require.js, no web fonts from elsewhere.
"""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import doors  # noqa: E402

from resnet_course import __version__  # noqa: E402

project = "From VGG to ResNet-18, measured"
author = 'The authors of the course "From VGG to ResNet-18, measured"'
project_copyright = f"2026, {author}. Text and figures: CC BY 4.0; code: MIT"
release = version = __version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_copybutton",
    "mathml",
]

# Lessons: executed already, see lesson_pages.py.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]  # verdicts for programs; beside each stands the same as HTML
myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4
myst_update_mathjax = False

# Docstrings: Google style; a word in backquotes is code.
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # torch's words on `forward` say nothing of ours
python_use_unqualified_type_names = True
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Shape", "Reference"]
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = project
html_baseurl = doors.HOME.site
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["course.css"]
html_js_files = [("explorer.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_sidebars = {"index": [], "run": [], "glossary": [], "playground": []}
html_logo = html_favicon = "static/favicon.svg"
html_context = {"default_mode": "auto"}  # the reader's system decides between light and dark
html_theme_options = {
    "logo": {"text": "From VGG to ResNet-18", "alt_text": "Home"},
    "navbar_align": "left",
    "navbar_end": ["language", "theme-switcher"],
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "show_nav_level": 2,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "article_header_start": [],
    "footer_start": ["copyright"],
    "footer_end": ["mend"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_selector = "div.highlight-python pre, div.highlight-ipython3 pre, div.highlight-console pre"
# Where a line begins with a prompt, such lines are copied without it, those that a backslash continues, and no output.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"


def setup(app: Sphinx) -> None:
    """Doors of each page. A table's empty corner is no heading: screen readers would announce one without words."""

    def mend(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
        title = re.sub("<[^>]+>", "", context.get("title", "")) or project
        edition = "" if app.config.language == "en" else f"{app.config.language}/"
        context.update(doors.links(edition + page, title))
        twin = doors.twin(edition + page, app.config.korean_pages)
        context["twin"] = twin and context["pathto"](twin.removeprefix(edition) if edition else twin, 1)
        context["metatags"] = context.get("metatags", "") + doors.preview(edition + page, title)
        if "body" in context:
            context["body"] = re.sub(r'<th class="head[^"]*"><p></p></th>', "<td></td>", context["body"])

    app.add_config_value("korean_pages", [], "html")
    app.connect("html-page-context", mend)
