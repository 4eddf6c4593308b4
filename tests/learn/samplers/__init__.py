"""Tests of `likewise.learn.samplers`."""
