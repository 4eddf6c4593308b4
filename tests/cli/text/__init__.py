"""Tests of the words that commands print."""
