"""Tests of `likewise.evaluation`."""
