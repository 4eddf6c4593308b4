"""Tests of `likewise.metrics`."""
