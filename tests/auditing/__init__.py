"""Tests of `likewise.auditing`."""
