"""Tests of `likewise.duplicates`."""
