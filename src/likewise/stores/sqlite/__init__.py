"""The store in one SQLite file, with its vectors in files beside it."""
