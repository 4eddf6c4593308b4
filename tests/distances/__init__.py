"""Tests of `likewise.distances`."""
