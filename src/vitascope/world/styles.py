def apply_style(frames, style, *, rng): return frames
