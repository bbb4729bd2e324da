"""The subjects' pictures: code point and hue in, premultiplied sprites at every scale out.

The artwork is Microsoft's Fluent 3D emoji (MIT licence), 256x256 pixels each, taken from one npm package the first time
that the world is rendered and kept in the user's cache folder. Generation never needs it.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from platformdirs import user_cache_path

PACKAGE, VERSION = "@lobehub/fluent-emoji-3d", "1.1.0"
SPRITE_SIZE = 256  # pixels, the side of the largest level
LEVELS = (256, 128, 64, 32)  # pixels


def artwork_folder() -> Path:
    """The folder of `<code point>.webp` files, fetched on first use; `VITASCOPE_ARTWORK` names another one."""
    if chosen := os.environ.get("VITASCOPE_ARTWORK"):
        return Path(chosen)
    folder = user_cache_path("vitascope") / f"fluent-emoji-3d-{VERSION}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    """Download the package with npm and move its pictures to `folder` in one step."""
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError(f"the world's artwork is the npm package {PACKAGE}@{VERSION}: npm was not found; install "
                         "Node.js, or unpack the package and name its assets folder in VITASCOPE_ARTWORK")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        outcome = subprocess.run([npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=scratch,
                                 capture_output=True, text=True)
        archives = list(Path(scratch).glob("*.tgz"))
        if outcome.returncode or not archives:
            raise ValueError(f"npm could not fetch {PACKAGE}@{VERSION}: {outcome.stderr.strip()[-300:]}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(scratch, filter="data")
        try:
            os.rename(Path(scratch, "package", "assets"), folder)
        except OSError:
            if not folder.is_dir():  # another process was faster otherwise
                raise


@lru_cache(maxsize=512)
def sprite(code: str, hue: int = 0) -> dict[int, np.ndarray]:
    """Premultiplied RGBA pictures, uint8 (S, S, 4), for every side S in `LEVELS`.

    `hue` turns the colours by that many of OpenCV's half degrees (0 to 179).
    """
    path = artwork_folder() / f"{code}.webp"
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError(f"no artwork at {path}")
    if picture.shape[2] == 3:
        picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    if hue:
        hsv = cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
        picture = np.dstack([cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), picture[..., 3]])
    rgba = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)
    premultiplied = (rgba.astype(np.float32) * (rgba[..., 3:].astype(np.float32) / 255))
    premultiplied[..., 3] = rgba[..., 3]
    return {side: cv2.resize(premultiplied, (side, side), interpolation=cv2.INTER_AREA).round().astype(np.uint8)
            for side in LEVELS}
