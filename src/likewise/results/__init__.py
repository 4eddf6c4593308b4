"""Plain results: decisions, rates, rankings, probabilities, curves and grades."""
