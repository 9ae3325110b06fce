"""Baselines by others that deviate in more than values. None is built yet."""
