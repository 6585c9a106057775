"""The built site, served on this machine, and a visit to one of its pages."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUM = Path("/usr/bin/chromium")  # Debian's; elsewhere the one that Playwright has installed for the user
INSTALLED = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or platformdirs.user_cache_dir("ms-playwright")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        """Nothing: the tests say what went wrong."""


@contextmanager
def serve_site() -> Iterator[str]:
    """The address where the site is served for the time being."""
    assert (SITE / "index.html").is_file(), "there is no site in build/site: run `make site` first"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def start_chromium() -> Iterator:
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYWRIGHT_BROWSERS_PATH", INSTALLED)  # the home of the tests is empty
        with sync_playwright() as playwright:
            path = str(CHROMIUM) if CHROMIUM.is_file() else None
            arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []  # root has no sandbox
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            yield browser
            browser.close()


@dataclass
class Visit:
    """A page, and what was heard of it since it was opened."""

    page: object
    address: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("load")

    def _note_request(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)
