"""Attacks inside a fixed budget that follow the gradient."""
