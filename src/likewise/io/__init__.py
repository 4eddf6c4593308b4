"""Bytes in, bytes out: atomic writes, bounds, .npy files, spilling to disk, safe display."""
