"""The ways services are talked to, one a file."""
