"""Running jobs: what a job is, where it can run, and the drivers that do it."""
