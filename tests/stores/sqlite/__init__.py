"""Tests of `likewise.stores.sqlite`."""
