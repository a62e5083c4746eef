"""The measurements of `measure.py`: each a module with a function that prints and returns the exit code."""
