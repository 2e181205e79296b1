"""Moving files to and from a machine, so that what arrives is what left."""
