"""From what was seen of an answer to points, outcomes and nbgrader's gradebook."""
