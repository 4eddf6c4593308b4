"""Tests of `likewise.model`."""
