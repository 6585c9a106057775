"""The engine of the checks: run an answer, compare it, find the first difference, say it."""
