"""Tests of `likewise.stores`."""
