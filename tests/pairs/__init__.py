"""Tests of `likewise.pairs`."""
