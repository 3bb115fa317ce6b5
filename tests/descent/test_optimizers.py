"""Our optimizers are torch's, for one run and for several side by side."""

import subprocess
import sys

import pytest
import torch

from fusionlab.descent.optimizers import Optimizer

REAL = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def slopes(count: int, size: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return list(torch.randn(count, size, generator=generator, dtype=torch.double))


def torchs(kind: str, start: torch.Tensor, way, *, lr: float, decay: float, momentum: float):
    value = start.clone().requires_grad_()
    knobs = {"momentum": momentum} if kind == "sgd" else {}
    optimizer = REAL[kind]([value], lr=lr, weight_decay=decay, **knobs)
    for slope in way:
        value.grad = slope.clone()
        optimizer.step()
    return value.detach()


def check_against_torch(kind: str, start: torch.Tensor, way):
    ours = start.clone()
    descent = Optimizer([ours], kind, momentum=0.8, decay=0.03)
    for slope in way:
        descent.step([slope.clone()], 0.1)
    theirs = torchs(kind, start, way, lr=0.1, decay=0.03, momentum=0.8)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind", REAL)
def test_a_descent_is_torchs(kind):
    start, way = torch.linspace(-1, 1, 5, dtype=torch.double), slopes(20, 5)
    check_against_torch(kind, start, way)


@pytest.mark.parametrize("kind", REAL)
def test_a_descent_of_complex_values_is_torchs(kind):
    start, *way = (torch.complex(*parts.view(2, 5)) for parts in slopes(7, 10))
    check_against_torch(kind, start, way)


@pytest.mark.parametrize("kind", REAL)
def test_coordinates_may_have_settings_of_their_own(kind):
    start, way = torch.linspace(-1, 1, 6, dtype=torch.double), slopes(20, 6)
    settings = [(0.1, 0.0, 0.9), (0.02, 0.3, 0.0)]
    rate, decay, momentum = (
        torch.tensor(pair, dtype=torch.double).repeat_interleave(3)
        for pair in zip(*settings, strict=True)
    )
    ours = start.clone()
    descent = Optimizer([ours], kind, momentum=momentum, decay=decay)
    for slope in way:
        descent.step([slope.clone()], rate)
    for k, (lr, weight_decay, mu) in enumerate(settings):
        own = slice(3 * k, 3 * k + 3)
        parts = [slope[own] for slope in way]
        theirs = torchs(kind, start[own], parts, lr=lr, decay=weight_decay, momentum=mu)
        torch.testing.assert_close(ours[own], theirs, rtol=1e-13, atol=1e-13)


def test_a_value_without_slope_stays():
    value = torch.ones(2)
    Optimizer([value], "sgd", momentum=0.9, decay=0.5).step([None], 0.1)
    assert torch.equal(value, torch.ones(2))


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("decay", [0.0, 0.3, torch.tensor([0.3, 0.0])])
def test_a_step_leaves_its_slope_as_it_was(kind, decay):
    slope = torch.tensor([1.0, -2.0])
    descent = Optimizer([torch.ones(2)], kind, momentum=0.9, decay=decay)
    for _ in range(2):
        descent.step([slope], 0.1)
    assert torch.equal(slope, torch.tensor([1.0, -2.0]))


def test_making_an_optimizer_of_torch_imports_its_compiler_and_importing_torch_optim_does_not():
    code = (
        "import sys, torch, torch.optim; seen = ['torch._dynamo' in sys.modules]; "
        "torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1); "
        "print(seen + ['torch._dynamo' in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[False, True]"


def test_training_does_not_import_torchs_compiler():
    code = (
        "import sys, torch; from fusionlab.lab import *; task = two_moons(n=40); "
        "train(mlp(2, 4, 2), task.train, Recipe(steps=2), seed=0); "
        "train_many(mlp(2, 4, 2), task.train, Recipe(steps=2), seeds=[0, 1]); "
        "names = ('torch._dynamo', 'torchvision', 'sklearn', 'matplotlib', 'PIL'); "
        "print([name for name in names if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
