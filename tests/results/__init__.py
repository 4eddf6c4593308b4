"""Tests of `likewise.results`."""
