"""What somebody says of a finished video, noted in the data folder for whoever runs the service."""

import tempfile
from pathlib import Path

from ..safety import feedback
from ..safety.policy import CATEGORIES
from .errors import invalid
from .job import Job
from .service import Service

COMPLAINTS = (*CATEGORIES, "other")  # what may be wrong with a video


def note(service: Service, job: Job, *, category: str, reason: str) -> None:
    """Keep a complaint of one of the COMPLAINTS. ApiError 400 for a video that is not finished."""
    if job.status != "completed":
        raise invalid("id", f"The video is {job.status}; expected a completed one.", code="video_not_ready")
    with tempfile.TemporaryDirectory() as scratch:
        named = Path(scratch) / f"{job.id}.mp4"  # the note tells a file's name
        named.symlink_to(service.files.fetch(f"{job.result}/video.mp4", Path(scratch)).absolute())
        feedback.store(named, reason=reason, category=category, folder=service.settings.data)
