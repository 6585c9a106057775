"""One photo, and weights from a file: read, or refused with a sentence.

Taught in lesson 13.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from resnet_course.base.errors import CourseError
from resnet_course.folders.problems import explain
from resnet_course.images.files import read_image
from resnet_course.training import load_state, load_weights


def read_photo(file: str | Path, image_size: int) -> Tensor:
    """One photo, read as the images of a folder are: upright, square, three channels.

    Shape: (3, size, size) uint8

    Raises:
        CourseError: if it is no image that can be used, with what it is and what to do.
    """
    file = Path(file).expanduser()
    if not file.exists() and not file.is_symlink():
        raise CourseError(f"there is no file {file}. Check the path; it is looked for from {Path.cwd()}.")
    try:
        return read_image(file, image_size)
    except Exception as error:  # decoders raise errors of many kinds on damaged bytes
        raise CourseError(str(explain(file, error))) from error


def load_classifier(network: nn.Module, file: str | Path) -> nn.Module:
    """Load what `torch.save(network.state_dict(), file)` wrote into a network of the same kind, and return it.

    Raises:
        CourseError: if the file is missing or damaged, of another network, or of another number of classes; the
            network is then unchanged.
    """
    state = load_state(file)
    own = network.state_dict()
    *_, last = own  # the bias of the last layer: one number for each class
    given = len(state[last]) if isinstance(state.get(last), Tensor) and state[last].dim() == 1 else len(own[last])
    if given != len(own[last]):
        raise CourseError(
            f"{file} holds weights for {given} classes, and this network has {len(own[last])}. Make the network with "
            f"{given} outputs to use them as they are; for classes of your own, load them first and then put a new "
            "last layer in its place."
        )
    return load_weights(network, file)
