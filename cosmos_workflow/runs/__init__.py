"""Runs: one folder each, whose state is a fold over its events."""
