"""Examples, data set folders, tasks, readers of public data sets, the embedded images."""
