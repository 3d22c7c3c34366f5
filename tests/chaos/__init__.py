"""Long, rough runs: `make chaos`. The ordinary suite counts most of them as skipped, and runs a short form of one."""
