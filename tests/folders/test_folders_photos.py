"""One photo, groups, and weights of a file; and lesson 13's own `predict`, with a photo of 12 megapixels."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from resnet_course import data, folders
from resnet_course.base.errors import CourseError
from resnet_course.checks.few_shot_split import ANSWER
from resnet_course.models import resnet18
from resnet_course.training import save_weights

LESSON = Path(__file__).parents[2] / "notebooks" / "sources" / "13_your_images.py"
TURNS = {1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
         7: "TRANSVERSE", 8: "ROTATE_270"}  # fmt: skip
"""What a camera does to the upright picture before it notes this number."""


class WhereItIsBright(nn.Module):
    """Logits for top, bottom, left, right: the brightness of each half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = x.shape[-1] // 2
        parts = (x[:, :, :half], x[:, :, half:], x[..., :half], x[..., half:])
        return torch.stack([part.mean((1, 2, 3)) for part in parts], 1)


@pytest.fixture
def predict() -> Callable[[Path], dict[str, float]]:
    """The function as it stands in the lesson, with a network that says which half is bright."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "predict"]
    names = {
        "torch": torch, "folders": folders, "IMAGE_SIZE": 64, "device": "cpu", "best": WhereItIsBright(),
        "classes": ["top", "bottom", "left", "right"], "mean_of_old": torch.full((3,), 0.4),
        "std_of_old": torch.full((3,), 0.2),
    }  # fmt: skip
    exec(compile(ast.Module([found], []), str(LESSON), "exec"), names)  # it is the lesson's own text
    return names["predict"]


@pytest.mark.parametrize(("number", "turn"), TURNS.items())
def test_a_photo_of_12_megapixels_is_predicted_the_right_way_up(predict, tmp_path: Path, number: int, turn) -> None:
    upright = Image.new("RGB", (3_000, 4_000), (30, 30, 30))
    upright.paste((250, 240, 200), (0, 0, 3_000, 2_000))
    exif = Image.Exif()
    exif[0x0112] = number
    stored = upright if turn is None else upright.transpose(Image.Transpose[turn])
    stored.save(tmp_path / "my.jpg", exif=exif)
    with Image.open(tmp_path / "my.jpg") as opened:
        assert opened.width * opened.height == 12_000_000
    answer = predict(tmp_path / "my.jpg")
    assert next(iter(answer)) == "top"
    assert list(answer.values()) == sorted(answer.values(), reverse=True)
    assert sum(answer.values()) == pytest.approx(1, abs=1e-5)


def test_the_demo_photo_is_large_lies_on_its_side_and_is_read_upright(tmp_path: Path) -> None:
    photo = folders.make_demo_photo(tmp_path / "my.jpg")
    with Image.open(photo) as opened:
        assert opened.size == (4_000, 3_000)
        assert opened.getexif()[0x0112] == 6
        side = torch.frombuffer(bytearray(opened.resize((64, 48)).tobytes()), dtype=torch.uint8).view(48, 64, 3)
    seen = folders.read_photo(photo, 48).permute(1, 2, 0).float()
    expected = side[:, 8:56].rot90(-1).float()  # without the black bars, a quarter clockwise
    assert (seen - expected).abs().mean() < 6
    assert (seen - side[:, 8:56].float()).abs().mean() > 10


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.jpg", b"<!doctype html><html>404</html>", "its content is a web page. The download went wrong"),
        ("IMG_1.jpg", b"\0\0\0\x18ftypheic" + bytes(99), "HEIC photo, as iPhones make it. Export it as JPEG"),
        ("empty.jpg", b"", "it is empty, 0 bytes. Copy or download it again"),
        ("words.png", b"not pixels\n" * 9, "its content is text. Move it out"),
        ("missing.jpg", None, "there is no file .*missing.jpg. Check the path"),
    ],
)
def test_a_photo_that_is_none(predict, tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CourseError, match=said):
        predict(tmp_path / name)


def test_a_folder_is_no_photo(predict, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"it is a folder where an image file was expected|links to folders"):
        predict(tmp_path)


# --- Weights --------------------------------------------------------------------------------------------------------


def test_weights_of_another_number_of_classes_are_refused_with_both_numbers(tmp_path: Path) -> None:
    def narrow(outputs: int) -> nn.Module:
        return resnet18(outputs, "imagenet", width=4)

    network, other = narrow(3), narrow(3)
    save_weights(network, tmp_path / "mine.pt")
    folders.load_classifier(other, tmp_path / "mine.pt")
    assert torch.equal(other.conv1.weight, network.conv1.weight)
    five = narrow(5)
    before = five.conv1.weight.clone()
    with pytest.raises(CourseError, match=r"weights for 3 classes, and this network has 5\. Make .* new last layer"):
        folders.load_classifier(five, tmp_path / "mine.pt")
    assert torch.equal(five.conv1.weight, before)
    with pytest.raises(CourseError, match="another model"):
        folders.load_classifier(resnet18(3, "imagenet", width=8), tmp_path / "mine.pt")
    with pytest.raises(CourseError, match="there is no checkpoint"):
        folders.load_classifier(five, tmp_path / "none.pt")


# --- Groups ---------------------------------------------------------------------------------------------------------


def some_images(targets: list[int], shades: list[int]) -> data.ImageSet:
    pixels = torch.tensor(shades, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8).clone()
    return data.ImageSet(pixels, torch.tensor(targets), ["a", "b"], "mine")


def test_images_belong_together_by_name_by_pixels_and_by_way_of_a_third() -> None:
    images = some_images([0, 0, 0, 0, 1, 1], [1, 2, 2, 3, 4, 5])
    groups = folders.find_groups(images, ["x", "x", "y", "z", "x", "w"]).tolist()
    assert groups == [0, 0, 0, 1, 2, 3]  # x of the other class is another thing
    chain = some_images([0] * 8, [1, 2, 2, 3, 3, 4, 4, 5])
    assert folders.find_groups(chain, ["h", "h", "g", "g", "f", "f", "e", "e"]).unique().tolist() == [0]
    with pytest.raises(CourseError, match="5 names of groups for 6 images"):
        folders.find_groups(images, ["x"] * 5)


def test_a_class_with_one_image_or_fewer_groups_than_parts_is_set_aside_with_a_sentence() -> None:
    images = some_images([0, 0, 0, 1, 1, 1], list(range(6)))
    three = data.ImageSet(
        torch.cat([images.images, images.images[:1] + 100]), torch.cat([images.targets, torch.tensor([2])]),
        ["a", "b", "one"], "mine",
    )  # fmt: skip
    kept, said = folders.enough_groups(three, folders.find_groups(three, list("uvwuvwu")), 3)
    assert kept.tolist() == [0, 1]
    assert said == [
        "Class 'one' is set aside: 1 image of 1 group, and 3 groups are needed. "
        "Take photos of more things of this kind."
    ]
    with pytest.raises(
        CourseError, match=r"fewer than two classes of mine have the 3 groups .*'b'.* 3 images of 1 group"
    ):
        folders.enough_groups(images, folders.find_groups(images, list("uvwuuu")), 3)


def test_a_split_by_groups_of_the_drawn_folder_leaks_no_thing(tmp_path: Path) -> None:
    images, report = folders.read_folder(folders.make_demo_folder(tmp_path / "demo"), 16)
    assert len(report.files) == len(images)
    groups = folders.find_groups(images, [file.stem.split("_shot")[0] for file in report.files])
    kept, said = folders.enough_groups(images, groups, 17)
    assert len(kept) == 5
    assert len(said) == 1
    assert "'key' is set aside: 4 images of 2 groups" in said[0]
    known = torch.isin(images.targets, kept).nonzero().flatten()
    names: dict = {"torch": torch}
    exec(ANSWER, names)
    train, test = names["few_shot_split"](images.targets[known], groups[known], 8)
    things = [(report.files[place].stem.split("_shot")[0], int(images.targets[place])) for place in known.tolist()]
    assert not {things[place] for place in train.tolist()} & {things[place] for place in test.tolist()}
    assert len(train) + len(test) < len(known)  # the siblings are in neither
