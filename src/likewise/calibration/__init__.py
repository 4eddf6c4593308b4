"""From a distance to a decision: thresholds, probabilities and grades."""
