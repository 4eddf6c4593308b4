"""Pure functions of distances and truth."""
