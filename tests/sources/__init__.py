"""Tests of `likewise.sources`."""
