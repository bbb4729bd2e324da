"""Muon for the matrices of hidden layers, AdamW for everything else, as one optimiser.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks": momentum whose matrix is replaced by the
nearest one with equal singular values. Liu et al. 2025, "Muon is scalable for LLM training": scaled to the size of
AdamW's updates, so that both share one learning rate. Matrices of one shape are orthogonalised together.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..precision import fast_precision

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that drives singular values towards 1
ITERATIONS = 5
ADAMW_SIZE = 0.2  # root mean square of AdamW's updates, about


def orthogonalise(matrices: Tensor) -> Tensor:
    """The nearest matrices (B, m, n) with all singular values about 1, by Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    with fast_precision(x.device):
        for _ in range(ITERATIONS):
            gram = x @ x.mT
            x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """`matrices` (parameters of two dimensions) are moved by Muon, `others` by AdamW."""

    def __init__(self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], *, lr: float,
                 momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.98), weight_decay: float = 0.01) -> None:
        shared = {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay}
        super().__init__([{"params": list(matrices), "orthogonal": True, **shared},
                          {"params": list(others), "orthogonal": False, **shared}], {})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            for p in parameters:
                p.mul_(1 - group["lr"] * group["weight_decay"])
            if group["orthogonal"]:
                self._step_matrices(parameters, group)
            else:
                self._step_others(parameters, group)

    def _step_matrices(self, parameters: list[nn.Parameter], group: dict) -> None:
        shapes = defaultdict(list)
        for p in parameters:
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(p.grad, 1 - group["momentum"])
            ahead = torch.lerp(p.grad, state["momentum"], group["momentum"])  # Nesterov's look ahead
            shapes[p.shape].append((p, ahead))
        for (rows, columns), members in shapes.items():
            directions = orthogonalise(torch.stack([direction for _, direction in members]))
            size = ADAMW_SIZE * max(rows, columns) ** 0.5
            for (p, _), direction in zip(members, directions):
                p.add_(direction, alpha=-group["lr"] * size)

    def _step_others(self, parameters: list[nn.Parameter], group: dict) -> None:
        first, second = group["betas"]
        for p in parameters:
            state = self.state[p]
            if not state:
                state |= {"step": torch.zeros(()), "mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
            state["step"] += 1
            state["mean"].lerp_(p.grad, 1 - first)
            state["square"].lerp_(p.grad.square(), 1 - second)
            done = float(state["step"])
            scale = (state["square"] / (1 - second**done)).sqrt_().add_(1e-8)
            p.addcdiv_(state["mean"], scale, value=-group["lr"] / (1 - first**done))
