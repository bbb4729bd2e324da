"""The command line: one command per stage. Here options are read and results are told; the work is done elsewhere.

What a user sent wrong ends in one line and status 2, a failure of the machine in one line and status 1. Everything
heavy is imported inside the command that needs it, so that `vitascope --help` answers at once.
"""

import json
import secrets
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from . import __version__
from .options import AMOUNT, NUMBER, WHOLE, Camera, Guidance, Model, NoCredentials, NoPolicy, PolicyFile, Steps, Style
from .options import Stop, given, note, open_gate
from .options import load_system as _load
from .options import progress_bar as _progress

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from .edits import Plan
    from .produce import Gate
    from .request import Request
    from .system import System

app = typer.Typer(name="vitascope", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="A sentence becomes a video.")
training = typer.Typer(no_args_is_help=True,
                       help="Train one of the models; the same command goes on after an interruption.")
app.add_typer(training, name="train")

Out = Annotated[Path, typer.Option("--out", help="Folder to write to.")]
Vocabulary = Annotated[str, typer.Option(help="What the world's clips are drawn from: bundled or full.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.", **WHOLE)]
TrainingSteps = Annotated[int | None, typer.Option("--steps", help="Of the whole run.", **AMOUNT)]
Rate = Annotated[float | None, typer.Option(help="Highest learning rate.", **NUMBER)]
Clips = Annotated[int, typer.Option(help="Rendered once to train on; 0.8 MB each.", **AMOUNT)]


VALIDATION_CLIPS = 32


@app.callback(invoke_without_command=True)
def start(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if version:
        print(f"vitascope {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; every way out has its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts its background jobs with it ignored
    try:
        status = app(standalone_mode=False)
    except Stop as stop:
        fail(str(stop), stop.status)
    except typer.TyperException as error:
        fail(error.format_message(), 2)
    except ValueError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def fail(message: str, status: int) -> NoReturn:
    """End with one line."""
    print("vitascope:", " ".join(message.split()), file=sys.stderr)
    sys.exit(status)


def named(table: dict[str, Any], name: str, kind: str) -> Any:
    """The entry of a table that a user named; ValueError that lists the names."""
    if name not in table:
        raise ValueError(f"there is no {kind} {name!r}; expected {', '.join(table)}")
    return table[name]


# ----------------------------------------------------------------------------------------------------------- generate

@app.command()
def generate(
    prompt: Annotated[str | None, typer.Argument(help="What is to be seen, 1 to 32,000 characters.")] = None,
    out: Annotated[Path | None, typer.Option(help="mp4, webm, gif, webp, png, jpg, frames-%03d.png or a folder; "
                                                  "named after the prompt if not given.")] = None,
    size: Annotated[str | None, typer.Option(help="Width x height in pixels, up to 2048, such as 176x96; what the "
                                                  "model cannot make at once is enlarged.  [128x128]")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length, up to 60.  [2; an image for png and jpg]",
                                                  **NUMBER)] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second.  [8]", **NUMBER)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same video; drawn if not given.",
                                             **WHOLE)] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    negative: Annotated[str | None, typer.Option(help="What is not to be seen.")] = None,
    style: Style = None,
    camera: Camera = None,
    count: Annotated[int, typer.Option("-n", help="How many videos, with seeds one after the other.", **AMOUNT)] = 1,
    image: Annotated[Path | None, typer.Option(help="The first frame: any image, or the start of a video.")] = None,
    model: Model = None,
    like: Annotated[Path | None, typer.Option(help="Take all settings from a file made earlier, except those "
                                                   "given here.")] = None,
    policy: PolicyFile = None,
    no_policy: NoPolicy = False,
    no_credentials: NoCredentials = False,
) -> None:
    """Make a video of what a sentence says."""
    from .presets import with_presets
    from .request import Request, check_request, name_after, numbered, read_request, read_size, with_image
    from .upscale import choose_base
    from .video import check_output, is_still

    request, made_by = (Request(), {}) if like is None else read_request(like)
    if seconds is None and like is None and out is not None and is_still(out):
        seconds = 1 / (fps or request.fps)
    request = with_image(request, image)
    request = replace(request, **given(prompt=prompt, negative=negative, size=size, seconds=seconds, fps=fps, seed=seed,
                                       steps=steps, guidance=guidance))
    request = replace(request, prompt=with_presets(request.prompt, style=style, camera=camera))
    check_request(request)
    paths = numbered(name_after(request.prompt) if out is None else out, count)
    for path in paths:
        check_output(path, frames=request.frames)
    first_seed = secrets.randbelow(2**32) if request.seed is None else request.seed

    system = _load(model, request.prompt, made_by)
    choose_base(system, *read_size(request.size))
    gate = open_gate(system, policy=policy, no_policy=no_policy, no_credentials=no_credentials)
    for number, path in enumerate(paths):
        _generate(system, gate, replace(request, seed=first_seed + number), path)


def _generate(system: "System", gate: "Gate", request: "Request", path: Path) -> None:
    """Make one video and let it through the gate."""
    from .commands import write
    from .produce import Asked
    from .provenance.credentials import Source
    from .request import read_size, to_metadata

    config = system.config
    request = replace(request, steps=config.steps if request.steps is None else request.steps,
                      guidance=config.guidance if request.guidance is None else request.guidance)
    print(f"seed {request.seed}", flush=True)
    settings = {name: value for name, value in asdict(request).items() if name != "image"}
    asked = Asked((request.prompt,), (request.negative,) if request.negative else (), settings,
                  "text" if request.image is None else "image",
                  () if request.image is None else (Source(Path(request.image), "inputTo"),),
                  to_metadata(request, model=config.name, model_version=config.version))
    total = write(system, gate, asked, [_plan(system, request)], path, target=read_size(request.size),
                  fps=request.fps, seed=request.seed, steps=request.steps, guidance=request.guidance)
    print(f"wrote {path}: {request.size}, frames: {total} at {request.fps:g} a second")


def _plan(system: "System", request: "Request") -> "Plan":
    from .edits import Plan, animate
    from .models.upsampler import SCALE
    from .request import read_size
    from .tasks import text_to_video
    from .upscale import choose_base
    from .video import cover, read_image

    width, height = choose_base(system, *read_size(request.size))
    condition = text_to_video(request.prompt, width=width // SCALE, height=height // SCALE, negative=request.negative,
                              fps=request.fps, frames=system.frames(request.seconds, request.fps))
    if request.image is None:
        return Plan(condition)
    return animate(system, cover(read_image(request.image), width, height).pixels, condition)


# -------------------------------------------------------------------------------------------------- data and training

@app.command()
def world(
    out: Out = Path("world"),
    seed: Annotated[int, typer.Option(help="Of the first clip; the others follow.", **WHOLE)] = 0,
    count: Annotated[int, typer.Option(help="How many clips.", **AMOUNT)] = 8,
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "128x128",
    frames: Annotated[int, typer.Option(help="Of a clip.", **AMOUNT)] = 17,
    vocabulary: Vocabulary = "bundled",
    held_out: Annotated[bool, typer.Option("--held-out", help="List the combinations of subject, place and action that "
                                                              "training never sees, and stop.")] = False,
) -> None:
    """Render clips of the procedural world: mp4 files, a contact sheet, and what is said and known of each."""
    from .world.scene import VOCABULARIES, held_out_combinations

    words = named(VOCABULARIES, vocabulary, "vocabulary")
    if held_out:
        print("\n".join(", ".join(combination) for combination in held_out_combinations(words)))
        return
    from PIL import Image

    from .request import read_size
    from .sheet import contact_sheet
    from .video import Video, write_video
    from .world.caption import LEVELS, caption
    from .world.physics import simulate
    from .world.render import render
    from .world.scene import sample_scene

    width, height = read_size(size)
    out.mkdir(parents=True, exist_ok=True)
    videos, captions, known = [], [], []
    for number in range(seed, seed + count):
        scene = sample_scene(number, words, width=width, height=height, frames=frames)
        motion = simulate(scene)
        videos.append(Video(render(scene, motion), scene.fps))
        captions.append({level: caption(scene, level, number) for level in LEVELS})
        states = {name: (array if array.dtype == bool else array.round(4)).tolist()
                  for name, array in vars(motion).items() if hasattr(array, "dtype")}
        known.append({"file": f"{number:08d}.mp4", "captions": captions[-1], "scene": asdict(scene), "states": states})
        write_video(videos[-1], out / known[-1]["file"], {"captions": captions[-1], "seed": number})
    (out / "clips.json").write_text(json.dumps(known, indent=1), encoding="utf-8")
    Image.fromarray(contact_sheet(videos, [texts["plain"] for texts in captions], columns=2)).save(out / "sheet.png")
    print(f"wrote {count} clips, clips.json and sheet.png to {out}")


@app.command()
def data(
    out: Out,
    autoencoder: Annotated[Path | None, typer.Option(help="Folder of a trained autoencoder; the bundled one if not "
                                                          "given.")] = None,
    images: Annotated[int, typer.Option(help="For training, about.", **WHOLE)] = 20_000,
    clips: Annotated[int, typer.Option(help="For training, about.", **WHOLE)] = 20_000,
    long: Annotated[int, typer.Option(help="Clips of twice the length, for training, about.", **WHOLE)] = 6_000,
    plans: Annotated[int, typer.Option(help="Clips that are only planned and never drawn, about.", **WHOLE)] = 16_000,
    validation: Annotated[int, typer.Option(help="Images, and as many clips, kept for validation.", **AMOUNT)] = 256,
    vocabulary: Vocabulary = "bundled",
) -> None:
    """Render clips of the world and encode them for `train transformer`; what is there already stays."""
    from .models.text import Text
    from .world.scene import VOCABULARIES

    named(VOCABULARIES, vocabulary, "vocabulary")
    from .data.shards import write_shards

    encoders = {"autoencoder": _load_part("autoencoder", autoencoder), "text": Text(), "vocabulary": vocabulary}
    parts = {"validation": (validation, validation, 0, 0, "any"), "train": (images, clips, long, plans, "train")}
    for folder, (images, clips, long, plans, split) in parts.items():
        with _progress(folder) as progress:
            write_shards(out / folder, images=images, clips=clips, long=long, plans=plans, split=split,
                         progress=progress, **encoders)
        print(f"{out / folder}: {len(list((out / folder).glob('*.safetensors')))} shards")


@training.command("autoencoder")
def train_autoencoder(
    out: Out,
    size: Annotated[str, typer.Option(help="Name of a size: nano or bundled.")] = "bundled",
    steps: TrainingSteps = None,
    batch: Annotated[int | None, typer.Option(help="Crops in a step.", **AMOUNT)] = None,
    rate: Rate = None,
    clips: Clips = 2000,
    vocabulary: Vocabulary = "bundled",
    seed: Seed = 0,
    start: Annotated[Path | None, typer.Option(help="Folder of an autoencoder to start from; without it, principal "
                                                    "components.")] = None,
    decoder_only: Annotated[bool, typer.Option("--decoder-only", help="Leave the latents as they are.")] = False,
) -> None:
    """Train the autoencoder on clips of the world."""
    from .models.autoencoder import AUTOENCODERS
    from .train.autoencoder import AutoencoderTraining, fix_statistics, halve_clips, train
    from .train.state import save_weights

    config = AutoencoderTraining(model=named(AUTOENCODERS, size, "autoencoder"), seed=seed, decoder_only=decoder_only,
                                 **given(steps=steps, batch=batch, learning_rate=rate))
    begin = start and _load_part("autoencoder", start)
    cached, held_out = _cache(out, clips, vocabulary)
    model = train(config, out, cached, held_out, start=begin)
    if not decoder_only:
        fix_statistics(model, halve_clips(cached[:200]))
        model.temper()
    save_weights(out, model.state_dict(), config.model)


@training.command("transformer")
def train_transformer(
    out: Out,
    data: Annotated[Path, typer.Option(help="Folder that `vitascope data` wrote.")],
    size: Annotated[str, typer.Option(help="Name of a size, nano to xl; `vitascope info` lists them.")] = "bundled",
    steps: TrainingSteps = None,
    tokens: Annotated[int | None, typer.Option(help="In one step, about.", **AMOUNT)] = None,
    rate: Rate = None,
    seed: Seed = 0,
    cooldown: Annotated[float | None, typer.Option(help="Share of the steps over which the rate falls to zero.",
                                                   **NUMBER)] = None,
    every: Annotated[int, typer.Option(help="Steps from one checkpoint, validation and sample sheet to the next.",
                                       **AMOUNT)] = 250,
    assistants: Annotated[int, typer.Option(help="Processes that add gradients beside the main one, each with a "
                                                 "thread: one for each further core.", **WHOLE)] = 0,
    start: Annotated[Path | None, typer.Option(help="Folder of a transformer to start from.")] = None,
    autoencoder: Annotated[Path | None, typer.Option(help="For samples: folder of the data's autoencoder.")] = None,
    upsampler: Annotated[Path | None, typer.Option(help="For samples: folder of an upsampler.")] = None,
) -> None:
    """Train the transformer on encoded clips."""
    from .models.transformer import TRANSFORMERS
    from .train.state import save_weights
    from .train.transformer import TrainingConfig, train

    named(TRANSFORMERS, size, "transformer")
    alone = None if TRANSFORMERS[size].staged and not start else 0  # without images at first: plans, known weights
    config = TrainingConfig(size=size, seed=seed, **given(steps=steps, tokens=tokens, rate=rate, cooldown=cooldown,
                                                          alone=alone))
    decoders = None
    if autoencoder and upsampler:
        decoders = _load_part("autoencoder", autoencoder), _load_part("upsampler", upsampler)
    model = train(config, data=data, directory=out, every=every, assistants=assistants, decoders=decoders,
                  start=start and _load_part("transformer", start))
    save_weights(out, model.state_dict(), model.config)


@training.command("upsampler")
def train_upsampler(
    out: Out,
    autoencoder: Annotated[Path, typer.Option(help="Folder of the autoencoder whose results are to be enlarged.")],
    size: Annotated[str, typer.Option(help="Name of a size: nano or bundled.")] = "bundled",
    steps: TrainingSteps = None,
    batch: Annotated[int | None, typer.Option(help="Clips in a step.", **AMOUNT)] = None,
    rate: Rate = None,
    start: Annotated[Path | None, typer.Option(help="Folder of an upsampler to start from.")] = None,
    painter: Annotated[Path | None, typer.Option(help="Folder of a transformer that paints clips anew: its faults are "
                                                      "to be mended, too.")] = None,
    paintings: Annotated[int, typer.Option(help="Clips that it paints, about.", **AMOUNT)] = 1280,
    vocabulary: Vocabulary = "bundled",
    seed: Seed = 0,
) -> None:
    """Train the upsampler, and the autoencoder's decoder with it, on clips of the world at two sizes."""
    from .models.text import Text
    from .models.upsampler import UPSAMPLERS
    from .train.repaint import load_paintings
    from .train.upsampler import VALIDATION, UpsamplerTraining, train
    from .world.scene import VOCABULARIES

    named(VOCABULARIES, vocabulary, "vocabulary")
    config = UpsamplerTraining(model=named(UPSAMPLERS, size, "upsampler"), vocabulary=vocabulary, seed=seed,
                               **given(steps=steps, batch=batch, learning_rate=rate))
    decoder, painted = _load_part("autoencoder", autoencoder), {}
    if painter:
        parts = _load_part("transformer", painter), decoder, Text()
        painted = {"painted": load_paintings(out / "paintings", paintings, "train", *parts),
                   "painted_held_out": load_paintings(out / "paintings", VALIDATION, "held-out", *parts)[:VALIDATION]}
    train(config, out, decoder, start=start and _load_part("upsampler", start), **painted)


@training.command("stylist")
def train_stylist(
    out: Out,
    autoencoder: Annotated[Path, typer.Option(help="Folder of the autoencoder whose results get a style.")],
    upsampler: Annotated[Path, typer.Option(help="Folder of the upsampler that enlarges them.")],
    size: Annotated[str, typer.Option(help="Name of a size: nano or bundled.")] = "bundled",
    steps: TrainingSteps = None,
    rate: Rate = None,
    vocabulary: Vocabulary = "bundled",
    seed: Seed = 0,
) -> None:
    """Train what puts a style, rain and snow on a finished video."""
    from .models.stylist import STYLISTS
    from .train.stylist import StylistTraining, train
    from .world.scene import VOCABULARIES

    named(VOCABULARIES, vocabulary, "vocabulary")
    config = StylistTraining(model=named(STYLISTS, size, "stylist"), vocabulary=vocabulary, seed=seed,
                             **given(steps=steps, learning_rate=rate))
    train(config, out, _load_part("autoencoder", autoencoder), _load_part("upsampler", upsampler))


def _cache(out: Path, clips: int, vocabulary: str) -> "tuple[np.ndarray, np.ndarray]":
    """Clips of the world to train and to validate on, uint8 (N, T, 128, 128, 3), rendered once beside the run `out`."""
    from .data.shards import FIRST_SEED
    from .train.autoencoder import cache_clips
    from .world.render import render
    from .world.scene import VOCABULARIES, sample_scene

    words = named(VOCABULARIES, vocabulary, "vocabulary")
    folder = out.parent / "clips"
    return (cache_clips(folder / f"{vocabulary}-{clips}.npy", clips, lambda seed: render(sample_scene(seed, words))),
            cache_clips(folder / f"{vocabulary}-validation.npy", VALIDATION_CLIPS, first_seed=FIRST_SEED["held-out"],
                        render_clip=lambda seed: render(sample_scene(seed, words, split="any"))))


def _load_part(name: str, folder: Path | None) -> "nn.Module":
    """One of a system's models from its own folder; None is that of the bundled system."""
    from .system import BUNDLED, PARTS, load_part

    return load_part(BUNDLED / name if folder is None else folder, *PARTS[name])


@app.command()
def export(
    out: Out,
    autoencoder: Annotated[Path, typer.Option(help="Folder of a trained autoencoder.")],
    transformer: Annotated[Path, typer.Option(help="Folder of a trained transformer.")],
    upsampler: Annotated[Path, typer.Option(help="Folder of a trained upsampler.")],
    planner: Annotated[Path | None, typer.Option(help="Folder of a trained planner; without one there are no "
                                                      "plans.")] = None,
    stylist: Annotated[Path | None, typer.Option(help="Folder of a trained stylist; without one there is one "
                                                      "style.")] = None,
    name: Annotated[str, typer.Option(help="Of the model, as it stands in the files that it makes.")] = "vitascope",
    version: Annotated[str, typer.Option(help="Of the model.")] = "0",
    vocabulary: Vocabulary = "bundled",
) -> None:
    """Put trained models together into one that `generate --model` takes."""
    from .system import System, SystemConfig, save_system
    from .words import known_words
    from .world.caption import LEVELS, caption
    from .world.catalogue import nearest_words
    from .world.scene import VOCABULARIES, sample_scene

    words = named(VOCABULARIES, vocabulary, "vocabulary")
    captions = (caption(sample_scene(seed, words), level, seed) for seed in range(2000) for level in LEVELS)
    knows = {key: sorted(set(value)) for key, value in asdict(words).items()
             if isinstance(value, tuple) and isinstance(value[0], str)}
    card = {"knows": knows, "words": known_words(captions), "near": nearest_words()}
    folders = {"autoencoder": autoencoder, "transformer": transformer, "upsampler": upsampler, "planner": planner,
               "stylist": stylist}
    parts = {part: _load_part(part, folder) for part, folder in folders.items() if folder}
    save_system(System(SystemConfig(name=name, version=version), card=card, **parts), out)
    print(f"wrote {out}")


# ----------------------------------------------------------------------------------------------------- what it can do

@app.command()
def evaluate(
    out: Out = Path("scores"),
    model: Model = None,
    suite: Annotated[str, typer.Option(help="alignment: is it what prompts ask for? tasks: seams and kept frames of "
                                            "every task, permanence, cause and effect, order, physics, a minute."
                                       )] = "alignment",
    prompts: Annotated[int | None, typer.Option(help="How many; of alignment, half are combinations that were never "
                                                     "trained.  [200, of tasks 12]", **AMOUNT)] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = 0,
    vocabulary: Vocabulary = "bundled",
) -> None:
    """Score a model: what its clips show against what was asked, beside the judge's own accuracy on real clips."""
    from .evaluate import scoreboard
    from .evaluate import suite as tasks_suite
    from .system import System
    from .world.scene import VOCABULARIES

    words = named(VOCABULARIES, vocabulary, "vocabulary")
    score = named({"alignment": scoreboard.score, "tasks": tasks_suite.score}, suite, "suite")
    score(System.load(model), steps=steps, guidance=guidance, seed=seed, out=out, vocabulary=words,
          **given(**{{"alignment": "prompts_asked", "tasks": "clips"}[suite]: prompts}))


@app.command()
def info(model: Model = None) -> None:
    """Tell what the model knows, and what every size takes on this machine."""
    from rich.console import Console

    from .info import describe_machine, describe_presets, describe_sizes, describe_system
    from .system import System

    console = Console()
    try:
        console.print(describe_system(System.load(model)), highlight=False)
    except ValueError as error:
        if model is not None:
            raise
        note(str(error))
    console.print(describe_presets(), highlight=False)
    console.print(describe_machine(), highlight=False)
    console.print(describe_sizes())


# ----------------------------------------------------------------------- commands that stand beside what they command

from .commands import app as tasks  # noqa: E402
from .provenance.commands import app as verifying  # noqa: E402
from .provenance.commands import provenance  # noqa: E402
from .redteam.commands import app as redteam  # noqa: E402
from .safety.commands import app as safety  # noqa: E402
from .serve.commands import app as service  # noqa: E402

app.registered_commands += [*tasks.registered_commands, *safety.registered_commands, *verifying.registered_commands,
                            *service.registered_commands]
app.registered_groups += service.registered_groups
app.add_typer(provenance, name="provenance")
app.add_typer(redteam, name="redteam")
