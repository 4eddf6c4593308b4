"""Tests of `likewise.stores.postgres`."""
