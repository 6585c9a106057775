"""What is wrong with a file in a folder of images, and what to do about it.

Taught in lesson 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from resnet_course.images.files import EXTENSIONS, UnusableImageError, is_image_name


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


_AGAIN = "Copy or download it again."
_OUT = "Move it out of the folder."
_EXPORT = "Export it as JPEG; Pillow, which reads the images here, cannot."
_ADVICE = {
    "a HEIC photo, as iPhones make it": _EXPORT,
    **({} if ".avif" in EXTENSIONS else {"an AVIF image": _EXPORT}),
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


def explain(file: Path, error: Exception | None = None) -> Problem:
    """Why this file cannot be used: `error` if it could not be read, None if its name is not an image's."""
    try:
        with file.open("rb") as opened:
            content = opened.read(1024)
    except OSError as refused:
        return _explain_unopened(file, refused)
    kind = kind_of(content)
    if error is None:
        if kind.endswith("image") and kind not in _ADVICE:
            ending = f"ends in {file.suffix}" if file.suffix else "has no ending"
            return Problem(file, f"it is {kind}, but its name {ending}", f"Rename it: {kind.split()[1]} is the format.")
        return Problem(file, f"it is {kind}", _ADVICE.get(kind, _OUT))
    if not content:
        return Problem(file, "it is empty, 0 bytes", _AGAIN)
    if isinstance(error, UnusableImageError):
        return Problem(file, str(error), error.advice)
    if isinstance(error, Image.DecompressionBombError):
        advice = "If it is a picture of yours, save it smaller; if you do not know it, delete it."
        return Problem(file, "it says that it has more pixels than any camera takes", advice)
    if "MAX_TEXT" in str(error):
        return Problem(
            file, "its notes, which are no part of the picture, are too large", "Save it again without them."
        )
    if not isinstance(error, UnidentifiedImageError):
        return Problem(file, f"it is cut off or damaged ({str(error) or type(error).__name__})", _AGAIN)
    if kind.endswith("image"):
        return Problem(file, f"it begins like {kind} and goes on like none", _AGAIN)
    return Problem(file, f"its content is {kind}", _ADVICE.get(kind, _OUT))


def _explain_unopened(file: Path, error: OSError) -> Problem:
    if file.is_dir():
        advice = "Rename it." if is_image_name(file) else "Copy its files here: links to folders are not followed."
        return Problem(file, "it is a folder where an image file was expected", advice)
    if file.is_symlink() and not file.exists():
        return Problem(file, "it is a link to a file that is not there", "Delete it.")
    return Problem(file, f"it could not be opened ({error.strerror or error})", "Check its permissions.")


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
