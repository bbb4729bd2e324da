"""What the commands share: kinds of options, words to the user, a progress bar, the model that is asked for.

Imports nothing heavy before it is needed, so that `vitascope --help` answers at once.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from .produce import Asked, Gate
    from .system import System
    from .video import Stream


def whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def amount(text: str) -> int:
    if (number := whole(text)) < 1:
        raise typer.BadParameter(f"{text!r} is less than 1")
    return number


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number") from None


WHOLE: dict[str, Any] = {"parser": whole, "metavar": "NUMBER"}
AMOUNT: dict[str, Any] = {"parser": amount, "metavar": "NUMBER"}
NUMBER: dict[str, Any] = {"parser": number, "metavar": "NUMBER"}

Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model; the bundled one if not given.")]
Steps = Annotated[int | None, typer.Option(help="Sampling steps; the model's own choice if not given.", **WHOLE)]
Guidance = Annotated[float | None, typer.Option(help="How hard the prompt is followed; 1 is plainly.", **NUMBER)]
Style = Annotated[str | None, typer.Option(help="How it is drawn; `vitascope info` lists the names.")]
Camera = Annotated[str | None, typer.Option(help="How the camera moves; `vitascope info` lists the names.")]

PolicyFile = Annotated[Path | None, typer.Option("--policy", help="What is allowed, instead of the packaged policy.")]
NoPolicy = Annotated[bool, typer.Option("--no-policy", help="Check neither prompt nor frames; the file's credentials "
                                                            "say so.")]
NoCredentials = Annotated[bool, typer.Option("--no-credentials", help="Do not sign; the record of the video says so.")]
REFUSED, FAILED = 3, 1  # exit statuses


class Stop(Exception):
    """The end of a command that is nobody's mistake: a line to tell, and an exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def note(message: str) -> None:
    print("vitascope:", message, file=sys.stderr)


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others keep the defaults that stand beside the part that they configure."""
    return {name: value for name, value in options.items() if value is not None}


Tell = Callable[..., None]
"""(steps done, steps in all, part="") → None: how far something, or a named part of it, is."""


@contextmanager
def progress_bar(name: str) -> Iterator[Tell]:
    """Bars with the time that is left, on a terminal, one for each part that is told of; gives the function to tell."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("left:"),
               TimeRemainingColumn())
    console, parts = Console(stderr=True), {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal,
                  speed_estimate_period=600) as bar:
        def tell(done: int, total: int, part: str = "") -> None:
            if part not in parts:
                parts[part] = bar.add_task(f"{name} {part}".rstrip(), total=None)
            bar.update(parts[part], completed=done, total=total)

        yield tell


def load_system(model: Path | None, prompt: str, made_by: dict) -> "System":
    """The system; says what it does not know, and when it is not the one that a file was made by."""
    from .system import System
    from .words import in_known_words, shown_instead, unknown_words

    system = System.load(model)
    mine, theirs = (system.config.name, system.config.version), (made_by.get("model"), made_by.get("model_version"))
    if made_by and mine != theirs:
        note(f"those settings were used with the model {theirs[0]} {theirs[1]}, this is {mine[0]} {mine[1]}: "
             "the frames will differ")
    near = system.card.get("near", {})
    for word, shown in shown_instead(prompt, near).items():
        note(f"the model has no picture of {word}: it shows {shown}")
    if unknown := unknown_words(in_known_words(prompt, near), system.card["words"]) if "words" in system.card else []:
        note(f"the model was never shown the words {', '.join(unknown)}: `vitascope info` lists what it knows")
    return system


def open_gate(system: "System", *, policy: Path | None, no_policy: bool, no_credentials: bool) -> "Gate":
    """The gate that this command's videos leave through; says so when it made the installation's authority just now."""
    from .produce import describe_model
    from .produce import open_gate as of_installation
    from .safety.policy import Policy

    rules = Policy.load(policy)
    gate, new = of_installation(describe_model(system), policy=rules.switched_off() if no_policy else rules,
                                signed=not no_credentials)
    if new:
        note("made a local authority that signs the videos made here: `vitascope provenance export-anchor` gives what "
             "others need in order to trust them")
    return gate


def deliver(gate: "Gate", asked: "Asked", make: "Callable[[Tell], Stream]", out: Path) -> int:
    """Make a video and let it through the gate into a file; how many frames it has. Stop if that fails.

    `make` is given the function that its sampling steps are told to; frames are told here.
    """
    from .produce import NotSigned, Refused, produce

    made: "list[Stream]" = []
    try:
        with progress_bar(out.name) as tell:
            def counted() -> "Stream":
                made.append(make(partial(tell, part="sampling")))
                return replace(made[0], frames=_count(made[0], partial(tell, part="frames")))

            record = produce(asked, counted, out=out, gate=gate)
    except Refused as refusal:
        raise Stop(str(refusal), REFUSED) from None
    except NotSigned as error:
        raise Stop(str(error), FAILED) from None
    if record.credentials["state"] == "none" and gate.authority is not None:
        note(f"{out} carries a watermark but no credentials: {record.credentials['why']}")
    elif gate.authority is not None and gate.authority.config.timestamp_server and not record.credentials["stamped"]:
        note(f"{out} is signed without a time stamp: none came from {gate.authority.config.timestamp_server}")
    return made[0].count


def _count(stream: "Stream", tell: Tell) -> "Iterator[np.ndarray]":
    """The frames, each of them told as a step."""
    for number, frame in enumerate(stream.frames, 1):
        yield frame
        tell(number, stream.count)
