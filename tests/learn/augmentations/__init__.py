"""Tests of `likewise.learn.augmentations`."""
