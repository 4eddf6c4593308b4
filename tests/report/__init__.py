"""Tests of `likewise.report`."""
