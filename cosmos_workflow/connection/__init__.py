"""Machines that run commands: this one, and those behind SSH."""
