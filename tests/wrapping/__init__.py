"""Tests of `likewise.wrapping`."""
