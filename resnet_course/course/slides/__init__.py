"""Slides of the lessons, from the notebooks that learners open: titles, key sentences, code, figures; no solutions."""

from resnet_course.course.slides.deck import build_slides

__all__ = ["build_slides"]
