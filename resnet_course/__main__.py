"""`python -m resnet_course`."""

from resnet_course.course.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
