"""Folders of rendered frames: which passes, which frames, complete or not."""
