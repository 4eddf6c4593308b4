"""Tests of `likewise.learn.miners`."""
