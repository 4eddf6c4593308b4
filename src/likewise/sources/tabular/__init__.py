"""What the source `table` reads with: the forms of files, their cells, the items these name."""
