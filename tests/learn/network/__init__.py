"""Tests of `likewise.learn.network`."""
