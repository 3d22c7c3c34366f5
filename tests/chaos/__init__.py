"""Long, rough runs: `make chaos`. The ordinary suite counts them as skipped."""
