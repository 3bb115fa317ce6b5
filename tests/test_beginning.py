"""What the first calls of a process bring with them: nothing that takes seconds to load unused."""

import subprocess
import sys

CALLS = """
import sys, warnings
import torch
from torch import nn
from fusionlab import Data, Weights, lerp
from fusionlab.connectivity import (
    Bezier, Line, elastic_band, feature_connectivity, fit, instability, profile,
)
from fusionlab.lab import Recipe, convnet, mlp, resnet, train, train_many
from fusionlab.landscape import (
    Landscape, Plane, Survey, eigenpairs, flatness, gradient_field, recalibrate, sharpness,
    spectral_density, survey, trace,
)
quiet = {"progress": False}
images = Data(torch.randn(40, 1, 8, 8), torch.arange(40) % 3)
x = y = torch.linspace(-1, 1, 5)
for model in (mlp(64, 8, 3), convnet(), resnet()):
    short = Recipe(steps=2)
    a, b = (run.final for run in train_many(model, images, short, seeds=[0, 1], **quiet))
    train(model, images, short, seed=2, **quiet)
    landscape = Landscape(model, images)
    profile(landscape, Line(a, b), points=3)
    plane = Plane.random(a, seed=0)
    survey(landscape, plane, x, y)
    next(Survey(landscape, plane, x, y))
    gradient_field(landscape, plane, x[:1], y[:1], **quiet)
    eigenpairs(landscape, a, k=1, most=2, **quiet)
    trace(landscape, a, most=16, **quiet)
    spectral_density(landscape, a, probes=1, steps=2, **quiet)
    sharpness(landscape, a, steps=1, **quiet)
    flatness(landscape, a, draws=1, **quiet)
    recalibrate(model, lerp(a, b, 0.5), images)
    fit(model, images, Bezier.between(a, b), short, seed=0, **quiet)
    elastic_band(landscape, a, b, cycles=1, steps=1, **quiet)
    feature_connectivity(model, a, b, images)
    instability(landscape, [a, b], points=3)
print("torch._dynamo" in sys.modules)
"""


def test_no_call_of_the_course_loads_torchs_compiler():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALLS], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "False", done.stdout + done.stderr


def test_the_digits_load_without_scikit_learn():
    code = "import sys\nfrom fusionlab.lab import digits\ndigits()\nprint('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
