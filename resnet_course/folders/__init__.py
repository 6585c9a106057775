"""A folder of somebody's photographs as a data set: what in it can be used, and why the rest cannot.

Taught in the lesson on your own images.
"""

from resnet_course.folders.demo import make_demo_folder
from resnet_course.folders.report import FolderReport, read_folder

__all__ = ["FolderReport", "make_demo_folder", "read_folder"]
