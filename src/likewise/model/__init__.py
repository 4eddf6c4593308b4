"""The artefact: load, save, embed and compare."""
