"""What runs show: comparison, report, demo, audit, explanation, the check of a model."""

REFERENCE = "sft"
"""The method that others are compared with where no other is named."""
