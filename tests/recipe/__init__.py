"""Tests of `likewise.recipe`."""
