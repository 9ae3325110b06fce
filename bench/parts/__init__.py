"""What the benchmarks share: a clock, a model of realistic proportions."""
