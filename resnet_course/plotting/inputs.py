"""Check and convert what is to be drawn, before anything is drawn. Errors say which series is meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def as_array(values: Any) -> NDArray[Any]:
    """A NumPy array from a tensor on any device, an array or nested lists."""
    if hasattr(values, "detach"):  # a tensor; asking for the method keeps torch out of this package
        values = values.detach().cpu()
        return (values.float() if values.is_floating_point() else values).numpy()  # NumPy has no bfloat16
    return np.asarray(values)


def as_floats(values: Iterable[Any], name: str) -> Floats:
    """A flat array of numbers.

    Raises:
        ValueError: if there is no number, or none that is finite.
    """
    numbers = np.array([float(value) for value in values])
    if not len(numbers):
        raise ValueError(f"{name!r} is empty: give at least one number")
    if not np.isfinite(numbers).any():
        raise ValueError(f"{name!r} has no finite number to draw")
    return numbers


def as_series(series: Mapping[str, Iterable[Any]]) -> dict[str, Floats]:
    """Named flat arrays.

    Raises:
        ValueError: if there is no series, or one of them cannot be drawn.
    """
    if not series:
        raise ValueError("there is nothing to draw: give at least one named series")
    return {name: as_floats(values, name) for name, values in series.items()}


def check_names(given: Iterable[str], known: Mapping[str, Any], what: str) -> None:
    """Raises ValueError if a name is given for which there is no series."""
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"{what} for {str(unknown)[1:-1]}, but the series are {str(list(known))[1:-1]}")


def check_length(values: Sequence[Any] | NDArray[Any], length: int, what: str) -> None:
    """Raises ValueError if there are more or fewer values than things to label."""
    if len(values) != length:
        raise ValueError(f"{what}: expected {length}, got {len(values)}")


def as_images(images: Any) -> Floats:
    """Images as matplotlib wants them, numbers in [0, 1].

    Shape:
        (N, 3, H, W) or (N, 1, H, W), uint8 or float in [0, 1] -> (N, H, W, 3)

    Raises:
        ValueError: for another shape, no image, or numbers out of range.
    """
    array = as_array(images)
    if array.ndim != 4 or array.shape[1] not in (1, 3):
        raise ValueError(f"images must be (N, 3, H, W), got shape {tuple(array.shape)}")
    if not len(array):
        raise ValueError("there is no image to show")
    scaled = array / 255 if array.dtype == np.uint8 else array.astype(np.float64)
    if not (scaled.min() > -1e-3 and scaled.max() < 1 + 1e-3):  # also true for NaN
        raise ValueError(
            f"images must be uint8, or floats in [0, 1]; these go from {scaled.min():.3g} to {scaled.max():.3g}. "
            "Normalised images must be turned back first: images * std + mean."
        )
    pixels = np.clip(scaled, 0, 1).transpose(0, 2, 3, 1)
    return np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels
