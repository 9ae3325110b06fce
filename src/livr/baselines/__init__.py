"""Baselines by others that deviate in more than values: Mirage."""
