"""Text from outside: names in one form, and nothing in it that cannot be written."""

from __future__ import annotations

import unicodedata

from resnet_course.base.errors import CourseError


def whole(text: str) -> str:
    """The text with `�` for each half of a surrogate pair, which no file and no screen takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean(text: str) -> str:
    """Whole, and with composed letters (NFC), as Windows writes names and macOS does not."""
    return unicodedata.normalize("NFC", whole(text))


def name_of(name: str, what: str) -> str:
    """A name from a file system, in one form.

    Args:
        name: as the system gives it.
        what: it is the name of, for the error.

    Raises:
        CourseError: if its bytes are no text, as after unpacking an archive of another code page.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        seen = name.encode(errors="backslashreplace").decode()
        raise CourseError(
            f"the name of {what} is no text: {seen!r}. Rename it, or unpack the archive again with its own encoding."
        ) from None
    return clean(name)
