"""From Houdini render passes and words to a finished video, on GPUs that are somewhere else."""

__version__ = "0.4.0"
