"""A browser and the built site. `make test-browser` runs the tests of this folder; a plain pytest leaves them out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from visiting import Visit, serve_site, start_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with serve_site() as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator:
    with start_chromium() as found:
        yield found


@pytest.fixture
def visit(browser, address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    yield Visit(context.new_page(), address)
    context.close()
