"""Tests of `likewise.learn.loop`."""
