"""`python -m resnet_course.grading`."""

from __future__ import annotations

import sys

from resnet_course.grading.commands import main

if __name__ == "__main__":
    sys.exit(main())
