"""The training loop, on Lightning Fabric, and all that it keeps."""
