"""A folder of images as people have them, drawn and written: many formats, uneven classes, files that are no images.

Taught in lesson 13.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from resnet_course.images.shapes import Distance, box, disc, draw

COUNTS = {"hexagon": 90, "house": 110, "key": 4, "lens": 90, "letter H": 250, "letter L": 80}
"""Good images by class: uneven, and one class with next to nothing."""

SHOTS = (3, 1, 2)
"""Photos of the first, second and third thing of a class, and so on again: `004_shot2.jpg` is the second of thing 4."""

_SIZE = 96  # pixels of a photo
_SCENE = 112  # of what stands in front of the camera; every shot is another part of it
_FAR = 1.5  # the thing is so many times as small as in the course's own images
_HELD_SIDEWAYS = 6  # the note of a camera that was turned: the left of the picture is the top


def make_demo_folder(folder: str | Path, seed: int = 0) -> Path:
    """Write over 500 photos of six classes in many formats, and among them files that cannot be used.

    Of many things there are several photos, see `SHOTS`. Everything comes from the seed. Nothing else should be in
    the folder.

    Returns the folder.
    """
    folder = Path(folder)
    generator = torch.Generator().manual_seed(seed)
    for name, count in COUNTS.items():
        (folder / name / "phone").mkdir(parents=True)
        things = list(itertools.islice(_things_and_shots(), count))
        scenes = _draw_scenes(name, 1 + things[-1][0], generator)
        for index, (thing, shot) in enumerate(things):
            image = _shoot(scenes[thing], generator)
            _write_good(folder / name, f"{thing:03}_shot{shot}", index, Image.fromarray(image))
    _write_bad(folder, generator)
    return folder


def make_demo_photo(file: str | Path, name: str = "house", seed: int = 1) -> Path:
    """Write a photo as a phone takes it: 12 megapixels, lying on its side, with a note that says so.

    Args:
        file: ends in .jpg.
        name: the class; the thing in the photo is in no folder of another seed.
        seed: of all that is random.

    Returns the file.
    """
    generator = torch.Generator().manual_seed(seed)
    image = Image.fromarray(_shoot(_draw_scenes(name, 1, generator)[0], generator))
    _photo(image, 3_000).save(file, exif=_exif(), quality=90)
    return Path(file)


def _things_and_shots() -> Iterator[tuple[int, int]]:
    for thing in itertools.count():
        for shot in range(1, 1 + SHOTS[thing % len(SHOTS)]):
            yield thing, shot


def _draw_scenes(name: str, count: int, generator: torch.Generator) -> Tensor:
    """Shape: (count, 3, scene, scene) uint8."""

    def far(x: Tensor, y: Tensor) -> Tensor:
        return _DISTANCES[name](_FAR * x, _FAR * y) / _FAR

    return draw(torch.zeros(count, dtype=torch.int64), _SCENE, generator, [far])


def _shoot(scene: Tensor, generator: torch.Generator) -> NDArray[np.uint8]:
    """One photo: a part of the scene, in other light, with noise of its own. Shape: (size, size, 3)."""
    top, left = torch.randint(0, _SCENE - _SIZE + 1, (2,), generator=generator).tolist()
    light = 0.8 + 0.4 * torch.rand(1, generator=generator)
    noise = 24 * (torch.rand(3, _SIZE, _SIZE, generator=generator) - 0.5)
    part = scene[:, top : top + _SIZE, left : left + _SIZE] * light + noise
    return part.clamp(0, 255).byte().permute(1, 2, 0).numpy()


def _write_good(folder: Path, name: str, index: int, image: Image.Image) -> None:
    """One image in one of fourteen ways, by its number."""
    stem = folder / name
    match index % 14:
        case 0:
            _photo(image).save(folder / "phone" / f"{name}.JPG", exif=_exif(), quality=95)
        case 1:
            image.convert("L").save(f"{stem}.jpg", quality=95)
        case 2:
            image.convert("P", palette=Image.Palette.ADAPTIVE).save(f"{stem}.png")
        case 3:
            _with_frame(image).save(f"{stem}.png")
        case 4:
            image.convert("CMYK").save(f"{stem}.jpg", quality=95)
        case 5:
            _sixteen_bit(image).save(f"{stem}.png")
        case 6:
            image.save(f"{stem}.gif", save_all=True, append_images=[Image.new("RGB", image.size)])
        case 7:
            image.save(f"{stem}.webp", quality=95)
        case 8:
            image.save(f"{stem}.bmp")
        case 9:
            image.save(f"{stem}.tif")
        case 10:
            image.save(f"{stem}.jpg", format="PNG")  # the name lies, the content is fine
        case _:
            image.save(f"{stem}.jpg", quality=95)


def _photo(image: Image.Image, side: int = 720) -> Image.Image:
    """As a phone keeps a picture: large, high, and lying on its side."""
    high = Image.new("RGB", (side, side * 4 // 3), "black")
    high.paste(image.resize((side, side)), (0, side // 6))
    return high.transpose(Image.Transpose.ROTATE_90)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = _HELD_SIDEWAYS
    return exif


def _with_frame(image: Image.Image) -> Image.Image:
    """See-through at the edge, with black under it, as cut-out pictures have."""
    alpha = Image.new("L", image.size, 0)
    alpha.paste(255, (2, 2, image.width - 2, image.height - 2))
    image = image.copy()
    image.putalpha(alpha)
    return image


def _sixteen_bit(image: Image.Image) -> Image.Image:
    grey = torch.frombuffer(bytearray(image.convert("L").tobytes()), dtype=torch.uint8).int() * 257
    return Image.frombytes("I;16", image.size, b"".join(struct.pack("<H", value) for value in grey.tolist()))


def _write_bad(folder: Path, generator: torch.Generator) -> None:
    """Files that are no images, damaged or doubtful, each of another kind; and three of the system's own."""
    photo = (folder / "house" / "005_shot2.jpg").read_bytes()
    png = (folder / "house" / "000_shot3.png").read_bytes()
    noise = torch.randint(0, 256, (2000,), generator=generator, dtype=torch.uint8).numpy().tobytes()
    files = {
        "hexagon/empty.jpg": b"",
        "hexagon/not found.jpg": b"<!doctype html><html><body>404 not found</body></html>",
        "hexagon/list.png": b"these are not pixels, these are words\n" * 9,
        "hexagon/half.jpg": photo[: len(photo) // 2],
        "hexagon/half.png": png[: len(png) // 2],
        "hexagon/changed.png": png[:300] + bytes(60) + png[360:],
        "house/IMG_0301.HEIC": b"\0\0\0\x18ftypheic" + noise,
        "house/IMG_0302.jpg": b"\0\0\0\x18ftypheic" + noise,
        "house/film.mp4": b"\0\0\0\x18ftypmp42" + noise,
        "house/photos.zip": b"PK\x03\x04" + noise,
        "house/notes.txt": b"taken in May\n",
        "house/photo.download": photo,
        "lens/huge.png": _bomb(),
        "lens/drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        "lens/paper.jpg": b"%PDF-1.4\n" + noise,
        "lens/noise.jpg": noise,
        "lens/dot.png": _save(Image.new("RGB", (1, 1)), "PNG"),
        "lens/height.tif": _save(Image.new("F", (8, 8), 0.5), "TIFF"),
        "lens/copy of a house.jpg": photo,  # two classes: both names stand in the report
        "letter H/phone/copy.jpg": (folder / "letter H" / "005_shot2.jpg").read_bytes(),
        "letter L/again.webp": (folder / "letter L" / "003_shot2.webp").read_bytes(),
        "lying around.jpg": (folder / "house" / "006_shot1.jpg").read_bytes(),
        ".DS_Store": b"\0\0\0\1Bud1",
        "letter H/phone/Thumbs.db": b"\xd0\xcf\x11\xe0",
        "letter L/._007.jpg": b"\0\5\x16\7",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "letter L" / "folder.png").mkdir()


def _save(image: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=form)
    return buffer.getvalue()


def _bomb() -> bytes:
    """A PNG of a hundred bytes that says it has 3.6 billion pixels: a decompression bomb."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(60))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# Distances in units of the shape's radius; each takes (B, size, size) twice and returns (B, size, size).


def _house(x: Tensor, y: Tensor) -> Tensor:
    roof = torch.maximum((x.abs() - 0.95 - y) * 0.7, y + 0.05)
    return torch.minimum(box(x, y - 0.4, 0.6, 0.5), roof)


def _key(x: Tensor, y: Tensor) -> Tensor:
    ring = disc(x, y + 0.5, 0.35).abs() - 0.13
    tooth = box(x - 0.25, y - 0.7, 0.25, 0.12)
    return torch.minimum(torch.minimum(ring, box(x, y - 0.4, 0.13, 0.55)), tooth)


_DISTANCES: dict[str, Distance] = {
    "hexagon": lambda x, y: torch.maximum(x.abs() * 0.866 + y.abs() * 0.5, y.abs()) - 0.8,
    "house": _house,
    "key": _key,
    "lens": lambda x, y: torch.maximum(disc(x - 0.6, y, 1.15), disc(x + 0.6, y, 1.15)),
    "letter H": lambda x, y: torch.minimum(box(x.abs() - 0.6, y, 0.22, 0.9), box(x, y, 0.6, 0.2)),
    "letter L": lambda x, y: torch.minimum(box(x + 0.4, y, 0.25, 0.9), box(x, y - 0.67, 0.65, 0.23)),
}
