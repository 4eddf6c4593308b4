"""Tests of `likewise.learn.tuning`."""
