"""Tests of `likewise.io`."""
