"""Tests of `likewise.calibration`."""
