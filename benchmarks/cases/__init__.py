"""One module per benchmark; see `benchmarks` for how to add one."""
