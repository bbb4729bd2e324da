"""An operator's gallery of portraits: people who must not appear, by the cosine between embeddings of faces.

In: a folder with portraits and two OpenCV models that the operator fetched (YuNet finds faces, SFace embeds them);
frames. Out: how much each frame looks like anyone of the gallery.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
MODELS = {"detector (YuNet)": "face_detection_yunet*.onnx", "recogniser (SFace)": "face_recognition_sface*.onnx"}
WIDTH = 128  # numbers of an embedding


class Likeness:
    """A reviewer of the category public_figures. ValueError for a gallery that cannot be used."""
    name = "likeness"

    def __init__(
        self, folder: Path, *, similarity: float, embed: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        from PIL import Image

        self.similarity = similarity
        self.embed = embed or face_embedder(folder)
        portraits = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not portraits:
            raise ValueError(f"the gallery {folder} holds no portrait ({', '.join(PICTURES)})")
        faces = [(path, self.embed(np.asarray(Image.open(path).convert("RGB")))) for path in portraits]
        for path, found in faces:
            if len(found) != 1:
                raise ValueError(f"{path} shows {len(found)} faces; a portrait shows one")
        self.gallery = np.stack([found[0] for _, found in faces])                         # (P, D)
        self.version = f"{len(portraits)} portraits, " + hashlib.sha256(self.gallery.tobytes()).hexdigest()[:12]

    def score(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        return {"public_figures": np.array([self._one(frame) for frame in frames])}

    def _one(self, frame: np.ndarray) -> float:
        """0 without a face, 0.5 where the closest one is exactly as similar as the limit, 1 where it is the portrait.
        """
        faces = self.embed(frame)                                                         # (F, D)
        closest = float((faces @ self.gallery.T).max(initial=0.0))
        return float(np.interp(closest, (0, self.similarity, 1), (0, 0.5, 1)))


def face_embedder(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A picture (H, W, 3) → unit embeddings of its faces (F, WIDTH), by OpenCV with the models in a folder."""
    import cv2

    found = {kind: next(folder.glob(pattern), None) for kind, pattern in MODELS.items()}
    for kind, path in found.items():
        if path is None:
            raise ValueError(
                f"the gallery {folder} lacks the model of the face {kind}; fetch it from OpenCV's model zoo"
            )
    detector_path, recogniser_path = map(str, found.values())
    detector = cv2.FaceDetectorYN.create(detector_path, "", (320, 320))
    recogniser = cv2.FaceRecognizerSF.create(recogniser_path, "")

    def embed(picture: np.ndarray) -> np.ndarray:
        bgr = np.ascontiguousarray(picture[..., ::-1])
        detector.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, faces = detector.detect(bgr)
        aligned = [recogniser.alignCrop(bgr, face) for face in (faces if faces is not None else ())]
        embeddings = np.array([recogniser.feature(face).ravel() for face in aligned]).reshape(-1, WIDTH)
        return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)

    return embed
