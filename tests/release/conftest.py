"""What a user installs. `make test-dist` and `make test-colab` run these tests; a plain pytest leaves them out."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For temporary files alone: pip and git work as the user has set them up."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def dist() -> Path:
    """The folder that `make dist` has made, with one wheel and one source archive."""
    folder = ROOT / "dist"
    assert len(list(folder.glob("*"))) == 2, f"{folder} should hold a wheel and an archive: run `make dist`"
    return folder
