"""Whether an uploaded file was made here: as `vitascope verify`, in a process of its own that decodes what was sent.

The web process hands over a path and gets JSON back; time, memory and number of these processes are bounded. Run as a
program, `python -m vitascope.serve.verification FILE`, this is that process.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import ingest

SECONDS, PATIENCE, MEMORY = 60, 300, 6 * 2**30  # of one examination: processor time, time by the clock, address space


def verify(path: Path) -> dict[str, Any]:
    """What is known of a file: provenance.detector's report. ValueError for a file that cannot be examined."""
    is_clip(path)  # what is neither costs no process
    command = [sys.executable, "-m", __name__, str(path)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise ValueError(f"the file takes longer than {PATIENCE} seconds to examine") from None
    try:
        answer = json.loads(done.stdout, parse_constant=lambda name: None)  # no JSON for others has NaN
    except ValueError:  # killed by a limit, or by what it decoded
        raise ValueError("the file is too large to be examined, or damaged") from None
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer


def is_clip(path: Path) -> bool:
    """Whether a file begins as a clip does. ValueError if it is no picture that may be decoded either."""
    with path.open("rb") as file:
        if ingest.looks_like_clip(file.read(16)):
            return True
    ingest.check_image(path.read_bytes())
    return False


def examine(path: Path) -> dict[str, Any]:
    """The report, made in this process."""
    from ..provenance.authority import Authority
    from ..provenance.detector import verify as walk

    if is_clip(path):
        ingest.check_clip(path)
    authority, _ = Authority.ensure()
    return walk(path, authority).document()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        answer = examine(Path(sys.argv[1]))
    except (ValueError, MemoryError) as error:
        answer = {"error": str(error) or "the file is too large to be examined"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
