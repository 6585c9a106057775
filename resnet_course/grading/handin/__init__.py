"""From what learners hand in to cells that can be run, and to pages that a browser can show."""
