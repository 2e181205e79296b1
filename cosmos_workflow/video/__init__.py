"""Videos and frames: the only room that starts ffmpeg."""
