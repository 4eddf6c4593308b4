"""Which pairs are measured: all of them, those listed, or genuine items and forgeries."""
