"""Tests of `likewise.learn.losses`."""
