"""Tiny random checkpoints of every family, each an ordinary folder with its real processor.

Sizes are tiny; classes, file layouts, placeholders and the shape of the chat templates are those
of the published checkpoints.
"""
