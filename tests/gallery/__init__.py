"""Tests of `likewise.gallery`."""
