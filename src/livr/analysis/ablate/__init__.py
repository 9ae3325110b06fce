"""Grids of experiments: variants x tasks x seeds x settings, resumable, one process per cell."""
