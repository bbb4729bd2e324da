def apply_weather(frames, weather, *, rng, camera_x, fps): return frames
