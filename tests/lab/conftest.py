"""Small networks, data and verifiers that the lab's tests share."""

from contextlib import contextmanager

import pytest
import torch

from fusionlab import Data
from fusionlab.lab import mlp


@pytest.fixture(scope="session")
def blobs() -> Data:
    """Two noisy clouds in the plane, 90 points."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 2
    return Data(torch.randn(90, 2, generator=generator) + 2 * labels[:, None], labels)


@pytest.fixture
def small():
    return mlp(2, 8, 2)


@pytest.fixture
def own_root(tmp_path, monkeypatch):
    """A data root for this test alone."""
    monkeypatch.setenv("FUSIONLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def global_draws_untouched():
    """A block that fails if it moves torch's global generator."""

    @contextmanager
    def watch():
        before = torch.get_rng_state()
        yield
        assert torch.equal(before, torch.get_rng_state())

    return watch


def same_point(a, b) -> bool:
    """Bit for bit, buffers included."""
    tensors, others = {**a, **a.buffers}, {**b, **b.buffers}
    return list(tensors) == list(others) and all(
        torch.equal(t, others[n]) for n, t in tensors.items()
    )


def same_run(a, b) -> bool:
    pairs = zip(a.checkpoints, b.checkpoints, strict=True)
    return (
        a.steps == b.steps
        and torch.equal(a.losses, b.losses)
        and all(same_point(*p) for p in pairs)
    )
