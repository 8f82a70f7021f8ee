"""The parts of `example_scheduler_httpv1.py`."""
