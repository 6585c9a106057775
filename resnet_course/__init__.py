"""Helper package of the course *From VGG to ResNet-18, measured*.

The notebooks import this package; it never imports them. Nothing is computed at import: read a
module to see what a lesson used, each docstring names the lesson that teaches it.
"""

__version__ = "0.1.0.dev0"
