"""Where a learner's code runs while it is graded, and what comes out of there: named arrays of numbers."""
