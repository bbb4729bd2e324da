"""What several tests share: a tiny system of random weights, and an authority and records of their own."""

import pytest
import torch

from vitascope import finding
from vitascope.models.autoencoder import AUTOENCODERS, Autoencoder
from vitascope.models.transformer import TRANSFORMERS, Transformer
from vitascope.models.upsampler import UPSAMPLERS, Upsampler
from vitascope.system import System, SystemConfig


@pytest.fixture(scope="session")
def nano_system():
    """A System of the smallest sizes; no weight is zero, so that everything has an effect."""
    torch.manual_seed(0)
    autoencoder, upsampler = Autoencoder(AUTOENCODERS["nano"]), Upsampler(UPSAMPLERS["nano"])
    transformer, planner = Transformer(TRANSFORMERS["nano"]), Transformer(TRANSFORMERS["nano planner"])
    for parameter in [*transformer.parameters(), *planner.parameters(), *upsampler.parameters()]:
        torch.nn.init.normal_(parameter, std=0.05)
    return System(SystemConfig(name="nano", steps=2, plan_steps=2, drafts=3), autoencoder=autoencoder,
                  transformer=transformer, upsampler=upsampler, planner=planner, card={"subjects": ["dog", "car"]})


@pytest.fixture(scope="session", autouse=True)
def own_installation(tmp_path_factory):
    """Tests sign with an authority of their own and leave the user's alone; processes that they start inherit it."""
    home = tmp_path_factory.mktemp("installation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITASCOPE_AUTHORITY", str(home / "authority"))
        patch.setenv("VITASCOPE_RECORDS", str(home / "records"))
        yield home


@pytest.fixture(autouse=True)
def hasty_finder(request, monkeypatch):
    """Random textures are nowhere to be found, which takes longest; only the finder's own tests look everywhere."""
    if request.module.__name__ != "test_finding":
        monkeypatch.setattr(finding, "SIDES", (0.2, 0.4))
        monkeypatch.setattr(finding, "TURNS", 1)
