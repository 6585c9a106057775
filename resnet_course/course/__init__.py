"""For those who write the course: build, run, slides, the command line."""
