"""Grading of the assignments: the learner's code answers in a sandbox, a trusted process compares.

Needs the extra `classroom`; learners do not. `python -m resnet_course.grading --help` lists the commands.
"""
