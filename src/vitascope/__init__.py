"""A sentence becomes a video, with a model trained from nothing in this repository."""

__version__ = "0.1.0"
