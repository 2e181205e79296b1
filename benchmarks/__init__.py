"""Figures of the product, each measured beside what it is compared with."""
