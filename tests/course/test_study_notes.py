"""The page `docs/study_notes.md`: each item of the study notes is taught where the page says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study_notes.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ")]
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in LINES]
ITEMS = (
    "TinyVGG", "more layers, less error", "drawing of the residual block", "blocks repeated",
    "`forward` with a comment",
    "condition for a shortcut", "`_make_layer`", "`expansion`", "list of strides", "list becomes a `Sequential`",
    "`avg_pool2d(out, 4)`", "flatten = reshape = view", "`out.size(0)`", "`Linear(2048)`", "`ResNet18(num_classes)`",
    "`len(train_dataset.classes)`", "printing the model", "`reset_seeds()`", "kind of target", "Adam and its rate",
    "`EarlyStopper(num_trials, save_path)`", "`NUM_EPOCHS`, `NUM_TRIALS`", "`default_timer`", "`main(…)`",
)  # fmt: skip


@pytest.mark.parametrize(("item", "lesson", "section", "words"), ROWS[1:], ids=lambda cell: cell[:30])
def test_an_item_is_taught_where_the_page_says(item: str, lesson: str, section: str, words: str) -> None:
    link = re.search(r"\]\(\.\./notebooks/(\w+)\.ipynb\)", lesson)
    assert link is not None
    source = (ROOT / "notebooks" / "sources" / f"{link[1]}.py").read_text(encoding="utf-8")
    assert source.count(f"\n# ## {section}\n") == 1
    text = source.split(f"\n# ## {section}\n")[1].split("\n# ## ")[0]
    flowing = " ".join(text.replace("\n# ", " ").split())
    keys = re.findall(r"`([^`]+)`", words)
    assert keys
    assert [key for key in keys if key not in flowing] == []


def test_no_item_of_the_notes_is_missing() -> None:
    listed = " / ".join(item for item, *_ in ROWS[1:])
    assert [item for item in ITEMS if item not in listed] == []


def test_readers_find_the_page() -> None:
    assert "docs/study_notes.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "../reference/study_notes.md" in (ROOT / "site/pages/lessons/index.md").read_text(encoding="utf-8")
