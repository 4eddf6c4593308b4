"""Tests of `likewise.learn.ops`."""
