"""Tests of `likewise.stores.index`."""
