"""Weights by name: where they are, how they are fetched and checked, and how they become tensors."""
