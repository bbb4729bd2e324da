"""Where the files of the service lie, as names in storage.py.

    videos/ID/inputs/ROLE          what a job starts from
    videos/ID/journal/NUMBER       what a killed attempt had computed
    videos/ID/preview.webp         what was seen last while it was made, in whichever attempt
    videos/ID/ATTEMPT/…            video.mp4, thumbnail.webp, spritesheet.jpg
    assets/ID/content              what a user keeps here to refer to later

All of a job is in one folder, so that deleting the folder deletes everything of it.
"""

from .job import Job

VIDEOS, ASSETS = "videos", "assets"


def of_job(id: str) -> str:
    return f"{VIDEOS}/{id}"


def of_asset(id: str) -> str:
    return f"{ASSETS}/{id}"


def content(asset: str) -> str:
    """The only file of an asset."""
    return f"{of_asset(asset)}/content"


def input(id: str, role: str) -> str:
    return f"{of_job(id)}/inputs/{role}"


def journal(id: str) -> str:
    return f"{of_job(id)}/journal"


def preview(id: str) -> str:
    return f"{of_job(id)}/preview.webp"


def of_attempt(job: Job) -> str:
    """What the present attempt makes; the result if it succeeds."""
    return f"{of_job(job.id)}/{job.attempt}"
