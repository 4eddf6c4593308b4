"""What is there twice: found, put into groups, counted by chance, and looked at."""
