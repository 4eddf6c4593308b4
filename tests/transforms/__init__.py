"""Tests of `likewise.transforms`."""
