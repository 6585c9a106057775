"""Where nothing can be learned, claims about learning fail, and no lesson says otherwise.

Shuffled labels are not enough for that: a network that learns them by heart is better than one that does not, and the
claims hold. So all images are the same picture. What a lesson takes from a record stays as it is; so the verdicts of
the run itself are looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from resnet_course.course.run import HEADLESS
from resnet_course.images.shapes import make_shapes
from resnet_course.notebook.messages import MIME_TYPE

nbclient = pytest.importorskip("nbclient")
pytestmark = pytest.mark.claims
SOLUTIONS = Path(__file__).parents[2] / "notebooks" / "solutions"


@pytest.fixture(scope="module")
def one_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 training and 600 test images in folders of ten classes, all of them the same picture of 32×32 pixels."""
    folder = tmp_path_factory.mktemp("one_picture")
    image = make_shapes(1, 32, seed=0)[0][0]
    picture = Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy()))
    for part, count in {"train": 200, "test": 60}.items():
        for label in range(10):
            place = folder / part / f"class {label}"
            place.mkdir(parents=True)
            for index in range(count):
                picture.save(place / f"{index:04}.png")
    return folder


def run_on(folder: Path, file_name: str) -> list[dict]:
    """The outputs of the solution notebook, run on a folder of images."""
    notebook = nbformat.read(SOLUTIONS / file_name, as_version=4)
    environment = {**os.environ, **HEADLESS, "RESNET_COURSE_PROFILE": "quick", "RESNET_COURSE_DATASET": str(folder)}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute(env=environment)
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize(
    ("file_name", "claims"),
    [
        ("00_start_here.ipynb", ["in this small run, too, the deeper network has the higher training error"]),
        ("01_vgg.ipynb", ["more layers help", "then they do not"]),
        ("02_trust.ipynb", ["with three channels TinyVGG learns its training images less well", "TinyVGG overfits"]),
        (
            "03_signals.ipynb",
            ["the training error is higher with the usual start", "error without batch norm is higher"],
        ),
        ("04_degradation.ipynb", ["plain 56 has a higher training error than plain 20"]),
        ("05_residual_block.ipynb", ["residual improves with depth", "residual 20 is below its plain twin"]),
    ],
)
def test_claims_about_learning_fail_and_nothing_says_the_opposite(
    file_name: str, claims: list[str], one_picture: Path
) -> None:
    outputs = run_on(one_picture, file_name)
    data = [output["data"] for output in outputs if "data" in output]
    verdicts = [bundle[MIME_TYPE]["verdict"] for bundle in data if "verdict" in bundle.get(MIME_TYPE, {})]
    for claim in claims:
        found = [verdict["status"] for verdict in verdicts if claim in verdict["claim"]]
        assert found
        assert found[0] != "reproduced", claim  # of the run; records come later on the page
    words = "\n".join(str(bundle.get("text/plain", "")) for bundle in data if MIME_TYPE not in bundle)
    for sentence in ("Deeper is worse", "depth helps", "deeper network is worse", "gets better with depth"):
        assert sentence.lower() not in words.lower()
