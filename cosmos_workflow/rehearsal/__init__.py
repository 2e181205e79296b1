"""The renderer of the preview engine: a job's own program, on the CPU."""
