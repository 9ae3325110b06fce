"""What runs show: comparison, report, demo, audit, explanation, the check of a model."""
