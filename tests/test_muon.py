"""The optimiser: orthogonal updates for matrices, AdamW for the rest."""

import torch
from torch import nn

from vitascope.train.muon import Muon, orthogonalise


def test_singular_values_become_about_one():
    torch.manual_seed(0)
    for shape in ((3, 16, 48), (2, 48, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert 0.5 < values.min() and values.max() < 1.3


def test_directions_are_kept():
    torch.manual_seed(0)
    matrix = torch.randn(1, 16, 32)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(orthogonalise(matrix).flatten(), (u @ v).flatten(), 0) > 0.97


def test_the_rest_is_moved_as_by_torchs_adamw():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(4, 3), nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizers = [Muon([], ours.parameters(), lr=0.01),
                  torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=0.01)]
    for seed in range(5):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        for model, optimizer in zip((ours, theirs), optimizers):
            model(x).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours.parameters(), theirs.parameters()))


def test_a_regression_is_learnt():
    torch.manual_seed(0)
    model, truth = nn.Linear(16, 16, bias=False), torch.randn(16, 16)
    optimizer = Muon([model.weight], [], lr=0.02, weight_decay=0.0)
    x = torch.randn(64, 16)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 300)
        loss = (model(x) - x @ truth).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss < 0.5
