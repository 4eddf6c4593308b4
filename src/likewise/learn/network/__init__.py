"""What is trained and exported: an encoder, what follows it, and what compares."""
