"""Tests of `likewise.precomputed`."""
