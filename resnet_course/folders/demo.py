"""A folder of images as people have them, drawn and written: many formats, uneven classes, files that are no images.

Taught in lesson 13.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from resnet_course.images.shapes import Distance, box, disc, draw

COUNTS = {"hexagon": 60, "house": 80, "key": 4, "lens": 60, "letter H": 160, "letter L": 50}
"""Good images by class: uneven, and one class with next to nothing."""

_SIZE = 48  # pixels, as drawn
_HELD_SIDEWAYS = 6  # the note of a camera that was turned: the left of the picture is the top


def make_demo_folder(folder: str | Path, seed: int = 0) -> Path:
    """Write over 400 images of six classes in many formats, and among them files that cannot be used.

    Everything comes from the seed. Nothing else should be in the folder.

    Returns the folder.
    """
    folder = Path(folder)
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(COUNTS)), torch.tensor(list(COUNTS.values())))
    pixels = draw(labels, _SIZE, generator, [_DISTANCES[name] for name in COUNTS]).permute(0, 2, 3, 1).numpy()
    for name, count in COUNTS.items():
        (folder / name / "phone").mkdir(parents=True)
        first = sum(list(COUNTS.values())[: list(COUNTS).index(name)])
        for index in range(count):
            _write_good(folder / name, index, Image.fromarray(pixels[first + index]))
    _write_bad(folder, generator)
    return folder


def _write_good(folder: Path, index: int, image: Image.Image) -> None:
    """One image in one of fourteen ways, by its number."""
    stem = folder / f"{index:03}"
    match index % 14:
        case 0:
            _photo(image).save(folder / "phone" / f"IMG_{index:04}.JPG", exif=_exif(), quality=95)
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


def _photo(image: Image.Image) -> Image.Image:
    """As a phone keeps a picture: large, wide, and lying on its side."""
    side = 720
    wide = Image.new("RGB", (side, side * 4 // 3), "black")
    wide.paste(image.resize((side, side)), (0, side // 6))
    return wide.transpose(Image.Transpose.ROTATE_90)


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
    photo = (folder / "house" / "011.jpg").read_bytes()
    png = (folder / "house" / "002.png").read_bytes()
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
        "letter H/phone/copy.jpg": (folder / "letter H" / "011.jpg").read_bytes(),
        "letter L/again.webp": (folder / "letter L" / "007.webp").read_bytes(),
        "lying around.jpg": (folder / "house" / "012.jpg").read_bytes(),
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
