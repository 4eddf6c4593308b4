"""How well a model verifies and ranks: rates, groups, cross-validation."""
