"""One image file: read it whatever it is, or say why that does not work and what to do.

Taught in lesson 09.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

EXTENSIONS = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP")  # Pillow knows more; some start other programs
MAX_PIXELS = 100_000_000  # what is decoded at most: 400 MB
MIN_SIDE = 4  # pixels; below it there is nothing to see
DETAIL = 4  # a large JPEG is decoded at no less than so many times the size asked for
OF_THE_SYSTEM = {"thumbs.db", "desktop.ini", "__macosx"}  # written by Windows and macOS, beside hidden files


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used as it is.

    Args:
        file: where it is.
        reason: what is wrong, as a part of a sentence.
        advice: what to do about it, as a sentence.
    """

    file: Path
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}. {self.advice}"


class UnusableImageError(ValueError):
    """An image that can be decoded in principle and is refused; `advice` says what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and its subfolders, in order, without those that a system writes for itself."""
    for entry in sorted(folder.iterdir()):
        if is_of_the_system(entry):
            continue
        if entry.is_dir() and not entry.is_symlink() and not is_image_name(entry):
            yield from files_below(entry)
        else:
            yield entry


def is_of_the_system(path: Path) -> bool:
    """Whether a file or folder is hidden, or one of those that Windows and macOS leave behind."""
    return path.name.startswith(".") or path.name.lower() in OF_THE_SYSTEM


def is_image_name(path: Path) -> bool:
    """Whether the name ends like an image's."""
    return path.suffix.lower() in EXTENSIONS


def read_image(content: bytes, image_size: int | None) -> Tensor:
    """One image, turned upright, three channels, square: the longer side is cut. Shape: (3, size, size) uint8.

    Of an animation it is the first picture; what is transparent becomes white.

    Args:
        content: the bytes of the file.
        image_size: height and width in pixels; None takes the shorter side, at most 64.

    Raises:
        Exception: if the bytes are no image, or damaged. Decoders raise errors of many kinds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, and about sizes that are checked below
        with Image.open(io.BytesIO(content), formats=_formats()) as opened:
            size = image_size or min(*opened.size, 64)
            opened.draft(None, (DETAIL * size, DETAIL * size))  # a JPEG of 108 million pixels is not decoded in full
            _check_size(opened)
            image = _on_white(_eight_bit(_upright(opened))).convert("RGB")
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


@functools.cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if min(image.size) < MIN_SIDE:
        raise UnusableImageError(f"it is {width}×{height} pixels small", "Delete it; there is nothing to see.")
    if width * height > MAX_PIXELS:
        raise UnusableImageError(
            f"it says that it has {width:,}×{height:,} pixels, which would fill the memory",
            "If it is a picture of yours, save it smaller; if you do not know it, delete it.",
        )


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera was held. A note of the camera that cannot be read does not cost the picture."""
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged metadata raises errors of many kinds
        return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion cuts everything above 255 to white."""
    if image.mode == "F":
        raise UnusableImageError(
            "floating-point pixels have no known range", "Save it as PNG, with the darkest value at 0."
        )
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) / 256).clip(0, 255).astype(np.uint8))
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """What is transparent shows white; without this it would show whatever colour lies under it, often black."""
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


# --- What is wrong with a file --------------------------------------------------------------------------------------

_AGAIN = "Copy or download it again."
_OUT = "Move it out of the folder."
_EXPORT = "Export it as JPEG; Pillow, which reads the images here, cannot."
_ADVICE = {
    "a HEIC photo, as iPhones make it": _EXPORT,
    "an AVIF image": _EXPORT,
    "an SVG drawing": "Export it as PNG.",
    "a ZIP archive": "Unpack it.",
    "a film": "Save single pictures of it.",
    "a web page": f"The download went wrong. {_AGAIN}",
}
_STARTS = {
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"II*\0": "a TIFF image or a camera's raw file",
    b"MM\0*": "a TIFF image or a camera's raw file",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"PK\x03\x04": "a ZIP archive",
}


def explain(file: Path, content: bytes, error: Exception) -> Problem:
    """Why `read_image` could not read this file."""
    if not content:
        return Problem(file, "it is empty, 0 bytes", _AGAIN)
    if isinstance(error, UnusableImageError):
        return Problem(file, str(error), error.advice)
    if isinstance(error, Image.DecompressionBombError):
        advice = "If it is a picture of yours, save it smaller; if you do not know it, delete it."
        return Problem(file, "it says that it has more pixels than any camera takes", advice)
    kind = kind_of(content)
    if isinstance(error, UnidentifiedImageError) and not kind.endswith("image"):
        return Problem(file, f"its content is {kind}", _ADVICE.get(kind, _OUT))
    if isinstance(error, UnidentifiedImageError):
        return Problem(file, f"it begins like {kind} and goes on like none", _AGAIN)
    return Problem(file, f"it is cut off or damaged ({str(error) or type(error).__name__})", _AGAIN)


def explain_unreadable(file: Path, error: OSError) -> Problem:
    """Why the bytes of this file could not be had."""
    if file.is_dir():
        advice = "Rename it." if is_image_name(file) else "Copy its files here: links to folders are not followed."
        return Problem(file, "it is a folder where an image file was expected", advice)
    if file.is_symlink() and not file.exists():
        return Problem(file, "it is a link to a file that is not there", "Delete it.")
    return Problem(file, f"it could not be opened ({error.strerror or error})", "Check its permissions.")


def explain_other(file: Path) -> Problem:
    """What a file in a class folder is, if its name is not an image's."""
    try:
        with file.open("rb") as opened:
            kind = kind_of(opened.read(1024))
    except OSError as error:
        return explain_unreadable(file, error)
    if kind.endswith("image") and kind not in _ADVICE:
        ending = f"ends in {file.suffix}" if file.suffix else "has no ending"
        return Problem(file, f"it is {kind}, but its name {ending}", f"Rename it: {kind.split()[1]} is the format.")
    return Problem(file, f"it is {kind}", _ADVICE.get(kind, _OUT))


def kind_of(content: bytes) -> str:
    """What the first bytes say a file is, in words."""
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        if brand == b"avif":
            return "an AVIF image"
        return "a HEIC photo, as iPhones make it" if brand[:2] in (b"he", b"mi", b"ms") else "a film"
    if content[:4] == b"RIFF":
        return "a WebP image" if content[8:12] == b"WEBP" else "a film"
    for start, kind in _STARTS.items():
        if content.startswith(start):
            return kind
    return _kind_of_text(content[:1024])


def _kind_of_text(content: bytes) -> str:
    text = content.decode("utf-8", errors="replace").lower()
    if "\0" in text or text.count("\ufffd") > len(text) // 10:
        return "no image, and nothing else that is known here"
    if "<svg" in text:
        return "an SVG drawing"
    return "a web page" if "<html" in text or "<!doctype" in text else "text"
