"""Reading answers, scores with intervals, paired tests."""
