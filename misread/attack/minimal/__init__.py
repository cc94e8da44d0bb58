"""Attacks that look for the smallest change."""
