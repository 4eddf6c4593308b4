"""Everything that imports torch: importing this package alone does not."""
