"""A search over the fields of a recipe, by the validation error, within a budget."""
