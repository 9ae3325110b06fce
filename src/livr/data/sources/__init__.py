"""One reader per public data set: its original layout in, records out."""
