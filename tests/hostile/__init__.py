"""Files from a stranger: model folders, items and sources that are broken or mean harm."""
