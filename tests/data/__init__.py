"""Tests of `likewise.data`."""
