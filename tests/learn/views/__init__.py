"""Tests of `likewise.learn.views`."""
