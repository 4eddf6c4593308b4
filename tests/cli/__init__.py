"""Tests of `likewise.cli`."""
