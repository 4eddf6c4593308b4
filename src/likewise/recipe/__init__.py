"""Every choice of a run, the presets, and the way from a person's words to a recipe."""
