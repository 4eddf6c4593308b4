"""Approximate search in a SQLite store: the index beside it, made and measured."""
