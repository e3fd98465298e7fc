"""Servers that speak real protocols and misbehave as asked; any test may use them."""
