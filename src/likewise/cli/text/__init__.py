"""Every word that a command prints of a result."""
