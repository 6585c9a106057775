"""Measurements of the course's own code: `python -m benchmarks.throughput`."""
