"""Likewise learns from your examples when two things are the same."""

__version__ = "0.1.0"
