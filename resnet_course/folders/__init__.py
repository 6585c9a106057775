"""A folder of somebody's photographs as a data set: what in it can be used, and why the rest cannot.

Taught in the lesson on your own images.
"""

from resnet_course.folders.demo import make_demo_folder, make_demo_photo
from resnet_course.folders.groups import enough_groups, find_groups
from resnet_course.folders.photos import load_classifier, read_photo
from resnet_course.folders.report import FolderReport, read_folder

__all__ = [
    "FolderReport",
    "enough_groups",
    "find_groups",
    "load_classifier",
    "make_demo_folder",
    "make_demo_photo",
    "read_folder",
    "read_photo",
]
