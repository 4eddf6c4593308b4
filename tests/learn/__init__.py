"""Tests of `likewise.learn`."""
