"""A package, so that a contract may have the name of the test file of the same module."""
