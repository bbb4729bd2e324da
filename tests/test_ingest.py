import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.serve.ingest import Limits, check_clip, check_image, looks_like_clip
from vitascope.video import Video, write_video


def test_pictures_are_measured_by_their_header() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "PNG")
    assert check_image(buffer.getvalue()) == (30, 20)
    for limits in (Limits(image_pixels=599), Limits(image_bytes=10)):
        with pytest.raises(ValueError):
            check_image(buffer.getvalue(), limits=limits)
    with pytest.raises(ValueError):
        check_image(b"GIF89a" + bytes(20))


def test_clips_are_measured_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(Video(np.zeros((16, 32, 48, 3), np.uint8), 8.0), path)
    assert check_clip(path) == (48, 32, 2.0) and looks_like_clip(path.read_bytes()[:16])
    for limits in (Limits(clip_pixels=1000), Limits(clip_seconds=1.0)):
        with pytest.raises(ValueError):
            check_clip(path, limits=limits)
    path.write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(ValueError):
        check_clip(path)
    assert not looks_like_clip(b"#!/bin/sh\n")
