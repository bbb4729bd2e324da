"""What is where and how it looks, and how a transformer is told.

A layout holds the poses of a few things and the camera's path, frame by frame, and the look of it all. It comes before
the picture. A small transformer, the planner, draws it from the prompt (it is the same network as the painter's, over
grids of a few numbers), and every token of the painter is then told which part of which subject lies in it: pixels
become a matter of looking up, motion a matter of a few numbers. After layout-guided generation (Lin et al. 2023,
"VideoDirectorGPT"; Nie et al. 2024, "BlobGEN"); names are stored as bits (Chen et al. 2022, "Analog bits").

The unit of length is the height of the view; positions count from its middle, y downwards. Knows nothing of the
world that layouts are learnt from: things, colours and looks are numbers here, 0 for none.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from .autoencoder import FRAMES

SLOTS = 5  # things at once: subjects in the order in which a prompt names them, then what else stands or lies there
POSE = 8  # x, y, side, cosine and sine of the angle, mirrored (1 or -1), visible share, share that is left of it
POSE_PARTS = (2, 1, 2, 1, 2)  # numbers of its place, its side, its turn, mirrored, its shares
VIEW = 3  # the camera's step since the frame before: x, y, logarithm of the zoom
MOTION = 3  # a thing's own step since the frame before: x, y, side
SUBJECT_BITS, COLOUR_BITS = 6, 2
LOOK_BITS = (3, 3, 3, 4)  # style, weather, time of day, place
LOOKS = len(LOOK_BITS)
PLACE = 3  # which of them
CHANNELS = FRAMES * (POSE + MOTION) + SUBJECT_BITS + COLOUR_BITS
SCALE = torch.tensor([3.0, 3.0, 6.0, 1.0, 1.0, 1.0, 2.0, 2.0])  # poses → numbers of about unit variance
SHIFT = torch.tensor([0.0, 0.0, -0.35, 0.0, 0.0, 0.0, -0.5, -0.5])
STEP_SCALE = 30.0  # of the camera's steps and of those of things
SMALLEST = 0.02  # side of a thing
QUARTERS = 4  # what is seen of things is compared in quarters: plans are never exact
TREMBLE = 0.005  # of a camera's steps, on the average of NEARBY frames to either side: less is none
NEARBY = 8
PULL = 0.003  # weight of where a draft says that a thing is, beside that of its steps: places are drafted less exactly
GONE = 0.05  # share of a thing that is nothing
REACH = 0.9  # in sides of a subject: tokens this near to its middle are told of it
WAVES = 4  # frequencies per coordinate inside a subject
VIEW_WAVES = 5  # frequencies per coordinate of the camera's path
TOLD = FRAMES * (4 * WAVES + 5)
VIEWED = FRAMES * (VIEW + 4 * VIEW_WAVES)


@dataclass(frozen=True)
class Layout:
    """K groups of F frames, FRAMES as a rule; a first group that stands for a single frame repeats it."""
    poses: Tensor  # (K, F, SLOTS, POSE)
    view: Tensor  # (K, F, VIEW)
    subjects: Tensor  # (SLOTS,) whole numbers, 0 for none
    colours: Tensor  # (SLOTS,) whole numbers, 0 for the subject's own
    look: Tensor  # (LOOKS,) whole numbers: style, 0 for none in particular; weather, time of day, place, 0 for unknown

    def part(self, groups: slice | Tensor) -> "Layout":
        """Some of the groups."""
        return replace(self, poses=self.poses[groups], view=self.view[groups])

    def closer(self, x: float, y: float, scale: float) -> "Layout":
        """As a part of the view shows it: (x, y) is its middle, and lengths are `scale` times as large."""
        poses, view, middle = self.poses.clone(), self.view.clone(), torch.tensor([x, y])
        poses[..., :2] = (poses[..., :2] - middle) * scale
        poses[..., 2] *= scale
        view[..., :2] = (view[..., :2] - middle * view[..., 2:].expm1()) * scale  # zooms have another middle
        return replace(self, poses=poses, view=view)

    def grown(self, factor: float) -> "Layout":
        """The same with every thing so many times as large: what belongs to it lies beside it, too."""
        poses = self.poses.clone()
        poses[..., 2] *= factor
        return replace(self, poses=poses)

    def calm(self) -> "Layout":
        """The same with a camera that stands still where it hardly moves, and zooms only where it does."""
        steps = self.view.flatten(0, 1)                                                                 # (k f, VIEW)
        mean = F.avg_pool1d(steps.T[None], 2 * NEARBY + 1, 1, NEARBY, count_include_pad=False)[0].T
        zooming = mean[:, 2].abs() > TREMBLE
        travelling = (mean[:, :2].norm(dim=1) > TREMBLE) | zooming
        moving = torch.stack([travelling, travelling, zooming], 1)
        return replace(self, view=(steps * moving).view_as(self.view))

    def motions(self) -> Tensor:
        """How every thing itself goes and grows, (K, F, SLOTS, MOTION): what of its step is not the camera's.

        A first frame goes as its second does.
        """
        state, zoom, travel = self._course()
        motions = state[1:] - (state[:-1] * zoom[1:] - travel[1:])
        return torch.cat([motions[:1], motions]).view(*self.poses.shape[:3], MOTION)

    def steered(self, motions: Tensor, held: Tensor, *, ring: bool = False) -> "Layout":
        """The same with things where their own `motions` (K, F, SLOTS, MOTION) take them, whatever the camera does.

        Steps count for much more than places (least squares). Of groups that are `held` (K,) nothing moves. In a ring
        the first frame follows the last.
        """
        state, zoom, travel = self._course()
        weight = torch.where(held.repeat_interleave(len(state) // len(held)), 1 / PULL, PULL)
        steps = torch.eye(len(state)) - zoom.flatten().diag().roll(-1, 1)                               # (T, T)
        goes = (motions.flatten(0, 1) - travel).flatten(1)
        if not ring:
            steps, goes = steps[1:], goes[1:]
        wanted = weight[:, None] * state.flatten(1) + steps.T @ goes
        state = torch.linalg.solve(weight.diag() + steps.T @ steps, wanted).view(*self.poses.shape[:3], MOTION)
        place, side = state.split([2, 1], -1)
        poses = torch.cat([place, side.clamp(min=SMALLEST), self.poses[..., 3:]], -1)
        return replace(self, poses=torch.where(held[:, None, None, None], self.poses, poses))

    def _course(self) -> tuple[Tensor, Tensor, Tensor]:
        """Places and sides (T, SLOTS, MOTION), and what the camera's step into each frame makes of those before: times
        the zoom (T, 1, 1), less what it travels (T, 1, MOTION)."""
        steps = self.view.flatten(0, 1)[:, None]
        return self.poses[..., :MOTION].flatten(0, 1), steps[..., 2:].exp(), F.pad(steps[..., :2], (0, 1))

    def anywhere(self) -> "Layout":
        """The same, saying nothing of the place."""
        return replace(self, look=self.look.index_fill(0, torch.tensor(PLACE), 0))

    def alone(self, group: int = 0) -> "Layout":
        """The last frame of a group as a clip of its own: of the first group, what a clip begins with."""
        poses = self.poses[group:, -1:][:1].expand(-1, FRAMES, -1, -1)
        return replace(self, poses=poses, view=torch.zeros_like(self.view[:1]))

    def frame_by_frame(self) -> "Layout":
        """The same in groups of one frame."""
        poses, view = rearrange(self.poses, "k f s p -> (k f) 1 s p"), rearrange(self.view, "k f v -> (k f) 1 v")
        return replace(self, poses=poses, view=view)


def to_grid(layout: Layout) -> Tensor:
    """A layout as latents (CHANNELS, K, SLOTS + 1, 1): a row for each slot, the last for the camera and the look."""
    K = len(layout.poses)
    poses = rearrange((layout.poses + SHIFT) * SCALE, "k f s p -> k s (f p)")
    present = (layout.subjects > 0).float()[:, None]
    motions = rearrange(layout.motions() * STEP_SCALE, "k f s m -> k s (f m)")
    names = torch.cat([_bits(layout.subjects, SUBJECT_BITS), _bits(layout.colours, COLOUR_BITS)], 1)     # (s, bits)
    names = repeat(names, "s b -> k s b", k=K)
    rows = torch.cat([poses * present, names, motions * present], -1)                                    # (k, s, C)
    view = rearrange(layout.view * STEP_SCALE, "k f v -> k 1 (f v)")
    look = torch.cat([_bits(number[None], count) for number, count in zip(layout.look, LOOK_BITS)], 1)   # (1, bits)
    view = torch.cat([view, repeat(look, "1 b -> k 1 b", k=K)], -1)
    rows = torch.cat([rows, F.pad(view, (0, CHANNELS - view.shape[-1]))], 1)
    return rearrange(rows, "k s c -> c k s 1")


def from_grid(grid: Tensor) -> Layout:
    """The layout that latents (CHANNELS, K, SLOTS + 1, 1) are nearest to; names are what most of its groups say."""
    rows = rearrange(grid, "c k s 1 -> k s c")
    slots, numbers = rows[:, :SLOTS], FRAMES * POSE
    poses = rearrange(slots[..., :numbers], "k s (f p) -> k f s p", f=FRAMES) / SCALE - SHIFT
    place, side, turn, mirrored, shares = poses.split(POSE_PARTS, -1)
    poses = torch.cat([place, side.clamp(min=SMALLEST), F.normalize(turn, dim=-1),
                       torch.where(mirrored < 0, -1.0, 1.0), shares.clamp(0, 1)], -1)
    names = slots[..., numbers:numbers + SUBJECT_BITS + COLOUR_BITS].mean(0)
    view = rearrange(rows[:, SLOTS, :FRAMES * VIEW], "k (f v) -> k f v", f=FRAMES) / STEP_SCALE
    look = rows[:, SLOTS, FRAMES * VIEW:][:, :sum(LOOK_BITS)].mean(0, keepdim=True)                     # (1, bits)
    look = torch.cat([_number(bits) for bits in look.split(LOOK_BITS, 1)])
    return Layout(poses, view, _number(names[:, :SUBJECT_BITS]), _number(names[:, SUBJECT_BITS:]), look)


def grid_motions(grid: Tensor) -> Tensor:
    """How every thing itself goes, as latents (CHANNELS, K, SLOTS + 1, 1) say it: see `Layout.motions`."""
    return rearrange(grid[-FRAMES * MOTION:, :, :SLOTS], "(f m) k s 1 -> k f s m", f=FRAMES) / STEP_SCALE


def _bits(numbers: Tensor, count: int) -> Tensor:
    """(S,) whole numbers → (S, count) of -1 and 1."""
    return ((numbers[:, None] >> torch.arange(count)) & 1).float() * 2 - 1


def _number(bits: Tensor) -> Tensor:
    return ((bits > 0) << torch.arange(bits.shape[1])).sum(1)


# ------------------------------------------------------------------------------------------------- what tokens are told

def waves(x: Tensor, count: int) -> Tensor:
    """Sines and cosines (..., n, 2 count) of (..., n) at 1, 2, 4 ... half periods for each unit."""
    angles = x[..., None] * torch.pi * 2.0 ** torch.arange(count)
    return torch.cat([angles.sin(), angles.cos()], -1)


def middles(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """y (rows,) and x (columns,) of the middles of the positions that a view is divided into."""
    y, x = ((torch.arange(count) + 0.5 - count / 2) / rows for count in (rows, columns))
    return y, x


def inside(layout: Layout, rows: int, columns: int) -> Tensor:
    """Where each position's middle lies in each thing, (K, rows, columns, SLOTS, F, 2), in sides from its middle."""
    y, x = middles(rows, columns)
    poses = rearrange(layout.poses, "k f s p -> k 1 1 s f p")
    dx, dy = x[None, None, :, None, None] - poses[..., 0], y[None, :, None, None, None] - poses[..., 1]
    cos, sin, mirrored = poses[..., 3], poses[..., 4], poses[..., 5]
    across, down = (cos * dx - sin * dy) * mirrored, sin * dx + cos * dy
    return torch.stack([across, down], -1) / poses[..., 2:3]


def outside(pose: Tensor, where: Tensor) -> Tensor:
    """The way back from `inside`: where points (..., 2) of a thing in one pose (POSE,) lie in the view, (..., 2)."""
    place, side, cos, sin, mirrored = pose[:6].split([2, 1, 1, 1, 1])
    across, down = (where * side).split(1, -1)
    across = across * mirrored
    return place + torch.cat([cos * across + sin * down, cos * down - sin * across], -1)


def shift(poses: Tensor, change: Tensor) -> Tensor:
    """Poses (..., POSE) moved by x and y, scaled by a logarithm and turned by an angle: `change` (..., 4)."""
    x, y, side, cos, sin, *rest = poses.unbind(-1)
    dx, dy, growth, turn = change.unbind(-1)
    turned = cos * turn.cos() - sin * turn.sin(), sin * turn.cos() + cos * turn.sin()
    return torch.stack([x + dx, y + dy, side * growth.exp(), *turned, *rest], -1)


def owners(layout: Layout, number: int, rows: int, columns: int, covers: Tensor | None = None) -> Tensor:
    """Which thing each pixel of a frame shows, (rows, columns), from 1; 0 for none. The nearest hides the others.

    `layout` has groups of one frame. Things fill their squares, or of them what `covers` (SLOTS, n, n), 0 to 1, say.
    """
    frame = layout.part(slice(number, number + 1))
    where = inside(frame, rows, columns)[0, :, :, :, 0]                                             # (h, w, s, 2)
    within = where.abs().amax(-1) < 0.5
    within &= (layout.subjects > 0) & (layout.poses[number, 0, :, 6] > 0)
    if covers is not None:
        grid = rearrange(2 * where, "h w s uv -> s h w uv").to(covers.dtype)
        within &= F.grid_sample(covers[:, None], grid, align_corners=False)[:, 0].permute(1, 2, 0) > 0.5
    nearest = (within * (SLOTS - depths(frame)[0, 0])).argmax(-1)
    return torch.where(within.any(-1), 1 + nearest, 0)


def follow(layout: Layout, now: int, then: int, owner: Tensor) -> Tensor:
    """Where frame `then` shows what the pixels of frame `now` show: x and y in pixels, (rows, columns, 2).

    `layout` has groups of one frame. Pixels are followed to where their `owner` (rows, columns), a thing from 1, is
    then, the rest of the picture along the camera's path.
    """
    rows, columns = owner.shape
    here = inside(layout.part(slice(now, now + 1)), rows, columns)[0, :, :, :, 0]                         # (h, w, s, 2)
    zoom = layout.view[:, 0, 2].cumsum(0).exp()
    middle = (layout.view[:, 0, :2] / zoom[:, None]).cumsum(0)  # of the view, in that of the first frame
    still = torch.stack(torch.meshgrid(*middles(rows, columns), indexing="ij")[::-1], -1)
    target = (still / zoom[now] + middle[now] - middle[then]) * zoom[then]
    for slot in (layout.poses[then, 0, :, 6] > 0).nonzero().flatten().tolist():
        moved = outside(layout.poses[then, 0, slot], here[..., slot, :])
        target = torch.where((owner == slot + 1)[..., None], moved, target)
    return target * rows + torch.tensor([columns, rows]) / 2 - 0.5


def depths(layout: Layout) -> Tensor:
    """How many things lie before each, whole numbers (K, F, SLOTS): what shows less of itself lies behind.

    Of things that show about as much, the first lies before the others.
    """
    shown = (QUARTERS * layout.poses[..., 6]).round()
    order = SLOTS * shown - torch.arange(SLOTS)                                                # larger: nearer
    return (order[..., None, :] > order[..., None]).sum(-1)


def covered(layout: Layout, rows: int, columns: int) -> Tensor:
    """Which positions (K, rows, columns), bool, have their middle in a thing at any time."""
    return _within(inside(layout, rows, columns), layout, 0.5).any(-1)


def _within(where: Tensor, layout: Layout, reach: float) -> Tensor:
    """Which positions lie so near to a thing's middle at any time, in sides of it: (K, rows, columns, SLOTS), bool.

    Nothing is near to what is gone.
    """
    left = (layout.poses[..., 7] > GONE).any(1)                                                     # (K, SLOTS)
    return (where.abs().amax(-1).amin(-1) < reach) & (left & (layout.subjects > 0))[:, None, None]


class Staging(nn.Module):
    """Tells tokens what a layout has in store for them; nothing at the start of training.

    It keeps the style to itself: that is not painted, but put on the painting (see `stylist`).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read, self.tell = nn.Linear(TOLD, 4 * width), nn.Linear(4 * width, width, bias=False)
        self.subject, self.colour = nn.Embedding(2**SUBJECT_BITS, 4 * width), nn.Embedding(2**COLOUR_BITS, 4 * width)
        self.view = nn.Linear(VIEWED, width, bias=False)
        self.weather, self.time, self.place = (nn.Embedding(2**count, width) for count in LOOK_BITS[1:])
        self.unplanned = nn.Parameter(torch.zeros(width))

    def initialise(self) -> None:
        for zero in (self.tell, self.view, self.weather, self.time, self.place):
            nn.init.zeros_(zero.weight)

    def forward(self, layouts: list[Layout | None], shapes: list[tuple[int, int, int]]) -> Tensor:
        """(N, width) for the tokens of clips of these shapes (frames, rows, columns), each with a layout or none."""
        parts = [self.of(layout, *shape) if layout else self.unplanned.expand(shape[0] * shape[1] * shape[2], -1)
                 for layout, shape in zip(layouts, shapes, strict=True)]
        return torch.cat(parts)

    def of(self, layout: Layout, frames: int, rows: int, columns: int) -> Tensor:
        """(N, width) for the tokens of one clip."""
        where = inside(layout, rows, columns)                                                   # (k, h, w, s, f, 2)
        near = _within(where, layout, REACH)                                                    # (k, h, w, s)
        k, h, w, s = near.nonzero(as_tuple=True)                                                # (P,) each
        poses = layout.poses[k, :, s]                                                           # (P, f, POSE)
        _, side, turn, mirrored, shares = poses.split(POSE_PARTS, -1)
        told = [waves(where[k, h, w, s], WAVES).flatten(2), side.log(), turn * mirrored, shares]
        told = torch.cat(told, -1).flatten(1)                                                   # (P, TOLD)
        hidden = self.read(told) + self.subject(layout.subjects[s]) + self.colour(layout.colours[s])
        y = self.tell(hidden * F.relu(hidden))                                                  # (P, width)
        path = layout.view.flatten(0, 1).cumsum(0).unflatten(0, layout.view.shape[:2])          # (k, f, VIEW)
        view = self.view(torch.cat([path, waves(path[..., :2], VIEW_WAVES).flatten(2)], -1).flatten(1))  # (k, width)
        for known, number in zip((self.weather, self.time, self.place), layout.look[1:]):
            view = view + known(number)
        x = repeat(view, "k d -> (k n) d", n=rows * columns).to(y.dtype)
        return x.index_add(0, (k * rows + h) * columns + w, y)
