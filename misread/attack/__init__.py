"""Attacks: they propose images in torch, and one function settles and measures them."""
