"""Somebody's ONNX encoder as a model: its graph brought to the house's names and axes."""
