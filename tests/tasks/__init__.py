"""Tests of `likewise.tasks`."""
