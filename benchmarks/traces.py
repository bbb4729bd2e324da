"""Train and measure the classifier of provenance/traces.py: what the bundled decoder and upsampler drew, or not.

    python benchmarks/traces.py [--clips 28] [--photographs FOLDER] [--cache FILE.npz] [--out TRACES.json]

What it is to find: clips of the world that went through the autoencoder, with noise on their latents, and the
upsampler. What it is not: the same clips as they were rendered, through the autoencoder at full size, and softened;
and moving cuts of photographs. All with the same encodings. The figures and the p-values are those of scores that a
classifier gives to scenes and photographs it has not seen (cross-conformal, Vovk 2015); the one that is written has
seen them all. About a minute of one core.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from watermark import encode

from vitascope.data.truth import layout_of
from vitascope.models.upsampler import SCALE, Told
from vitascope.provenance.traces import FRAMES, Drawing, Traces, features
from vitascope.video import from_unit, to_unit
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import sample_scene

FIRST_SEED = 9_000_000
SIDE = 128
NOISE = 0.3  # highest deviation of the noise on latents, whose own is about 1
UNPLANNED = 4  # one in so many of our clips has no layout
CRFS = (0, 23, 28)  # 0: the frames as they are
CUTS = 4  # of one photograph
FOLDS = 7
PENALTY = 0.03  # on the mean square of the weights


@torch.inference_mode()
def kinds(number: int, models: Drawing) -> Iterator[tuple[str, np.ndarray]]:
    """One scene in every way: frames uint8 (FRAMES, SIDE, SIDE, 3)."""
    scene = sample_scene(FIRST_SEED + number, width=SIDE, height=SIDE)
    motion = simulate(scene)
    frames = render(scene, motion)[:FRAMES]
    video = to_unit(frames)[None]
    small = torch.nn.functional.avg_pool3d(video, (1, SCALE, SCALE))
    draw = torch.Generator().manual_seed(number)
    latents = models.autoencoder.encode(small)
    noise = NOISE * torch.rand((), generator=draw) * torch.randn(latents.shape, generator=draw)
    decoded = models.autoencoder.decode(latents + noise).clamp(-1, 1)
    told = Told.last(layout_of(scene, motion, 0, FRAMES), FRAMES, decoded[0, :, 0]) if number % UNPLANNED else None
    yield "ours", from_unit(models.upsampler(decoded, [told])[0])
    yield "world", frames
    again = models.autoencoder.decode(models.autoencoder.encode(video))
    yield "world through the autoencoder alone", from_unit(again[0])
    if number // 2 % 2:
        soft = [cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for frame in from_unit(small[0])]
    else:
        soft = [cv2.GaussianBlur(frame, (0, 0), 0.6 + number % 7 / 4) for frame in frames]
    yield "world, softened", np.stack(soft)


def moving_cuts(photograph: np.ndarray, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """Clips that glide over a photograph and into it."""
    height, width = photograph.shape[:2]
    for _ in range(CUTS):
        side = draw.uniform(0.3, 0.9) * min(height, width)
        corner = draw.uniform(0, (width - side, height - side))
        step, zoom = draw.uniform(-3, 3, 2) * side / SIDE, draw.uniform(0.98, 1.02)
        frames = []
        for time in range(FRAMES):
            scale = SIDE / (side * zoom**time)
            shift = -(corner + step * time) * scale
            place = np.float64([[scale, 0, shift[0]], [0, scale, shift[1]]])
            frames.append(cv2.warpAffine(photograph, place, (SIDE, SIDE), flags=cv2.INTER_AREA,
                                         borderMode=cv2.BORDER_REFLECT_101))
        yield np.stack(frames)


def collect(clips: int, photographs: Path | None, models: Drawing) -> dict[str, np.ndarray]:
    """Rows of features, with kind, encoding, and what they are of: the number of a scene, or of a photograph after."""
    rows: list[tuple[str, int, int, np.ndarray]] = []

    def add(kind: str, frames: np.ndarray, group: int) -> None:
        for crf in CRFS:
            rows.append((kind, crf, group, features(encode(frames, "libx264", crf) if crf else frames, models)))

    for number in range(clips):
        for kind, frames in kinds(number, models):
            add(kind, frames, number)
    pictures = sorted(photographs.glob("*.jp*g")) if photographs else []
    for number, path in enumerate(pictures):
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for frames in moving_cuts(picture, np.random.default_rng(number)):
            add("photographs", frames, clips + number)
    columns = zip(*rows, strict=True)
    return dict(zip(("kind", "crf", "group", "features"), map(np.array, columns), strict=True))


def fit(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, ...] | float]:
    """Logistic regression on standardised features, both classes weighing the same, with a penalty on the weights."""
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    inputs, labels = torch.from_numpy((x - mean) / deviation), torch.from_numpy(y.astype(float))
    share = torch.where(labels > 0, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    weight, bias = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = inputs @ weight + bias
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, share)
        loss = loss + PENALTY * weight.square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return {"mean": tuple(mean), "deviation": tuple(deviation), "weight": tuple(weight.tolist()), "bias": bias.item()}


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How often a positive scores above a negative (Mann and Whitney)."""
    below, beside = (np.searchsorted(np.sort(negative), positive, side) for side in ("left", "right"))
    return float((below + beside).mean() / 2 / len(negative))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=28)
    parser.add_argument("--photographs", type=Path, help="folder of JPEG files")
    parser.add_argument("--cache", type=Path, help="features, made if it is not there")
    parser.add_argument("--out", type=Path, help="where to write the trained classifier")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    models = Drawing.load()
    if options.cache and options.cache.exists():
        data = dict(np.load(options.cache))
    else:
        data = collect(options.clips, options.photographs, models)
        if options.cache:
            np.savez(options.cache, **data)
    x, kind, crf, fold = data["features"], data["kind"], data["crf"], data["group"] % FOLDS
    ours, scores = kind == "ours", np.empty(len(x))
    for number in range(FOLDS):
        seen = fold != number
        scores[~seen] = Traces(models="", others=(), **fit(x[seen], ours[seen])).score(x[~seen])
    others = np.sort(scores[~ours])
    threshold = np.quantile(others, 0.99)
    print(f"{len(x)} readings, {ours.sum()} of ours\n\n| encoding | AUC | ours found at 1 % false alarms in all | "
          "false alarms among |\n|---|---|---|---|")
    for each in CRFS:
        here = crf == each
        counted = ((name, scores[here & (kind == name)] >= threshold) for name in np.unique(kind[~ours]))
        alarms = "; ".join(f"{name} {high.sum()} of {len(high)}" for name, high in counted)
        print(f"| {f'H.264 CRF {each}' if each else 'none'} | {auc(scores[here & ours], scores[here & ~ours]):.4f} | "
              f"{np.mean(scores[here & ours] >= threshold):.1%} | {alarms} |")
    print("\n| share of other clips that score as high | ours found, all encodings |\n|---|---|")
    for share in (0.1, 0.03, 0.01, 0.003):
        print(f"| {share:.1%} | {np.mean(scores[ours] >= np.quantile(others, 1 - share)):.1%} |")
    if options.out:
        Traces(models=models.digest, others=tuple(others.round(3).tolist()), **fit(x, ours)).save(options.out)


if __name__ == "__main__":
    main()
