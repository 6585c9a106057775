"""Assignments: their folders, their tasks, and the course folder of nbgrader that is built from them."""
