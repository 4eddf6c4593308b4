"""Tests of `likewise.learn.matchers`."""
