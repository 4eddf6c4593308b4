"""Tests of `likewise.learn.encoders`."""
