"""A landscape over a stream is that over the same rows held whole; each call reads it once."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from fusionlab import Data, Stream, Weights
from fusionlab.landscape import Landscape, Plane, Survey, recalibrate, survey

from .test_evaluation import MODELS


class Rows:
    """Makes batches of 7 rows, and counts how often it is asked to."""

    def __init__(self, data: Data) -> None:
        self.data, self.readings = data, 0

    def __call__(self):
        self.readings += 1
        return ((part.inputs, part.targets) for part in self.data.parts(7))


@pytest.fixture
def data():
    torch.manual_seed(0)
    return Data(torch.randn(60, 1, 4, 4), torch.arange(60) % 3)


def points(model: nn.Module) -> list[Weights]:
    a = Weights.of(model)
    return [a, Weights(0.9 * a, a.buffers)]


@pytest.mark.parametrize("policy", ["recalibrate", "interpolate", "fixed"])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_a_stream_has_the_scores_slopes_and_curvature_of_its_rows(make, policy, data):
    torch.manual_seed(1)
    model = make()
    held = Landscape(model, data, batch_norm=policy, calibration=data[:20])
    streamed = Landscape(
        model, Stream(Rows(data)), batch_norm=policy, calibration=Stream(Rows(data[:20]))
    )
    a, b = points(model)
    if policy == "recalibrate":  # a stream's statistics are measured batch by batch
        held = Landscape(model, data, batch_norm="fixed")
        a, b = (recalibrate(model, theta, data[:20], batch_size=7) for theta in (a, b))
    torch.testing.assert_close(streamed.scores([a, b]).loss, held.scores([a, b]).loss)
    assert streamed(a) == pytest.approx(held(a), rel=1e-5)
    torch.testing.assert_close(streamed.slope(a)[1].flat(), held.slope(a)[1].flat())
    v = torch.ones(1, a.size)
    torch.testing.assert_close(streamed.hessian(a)(v), held.hessian(a)(v), rtol=1e-3, atol=1e-5)


def test_many_points_are_one_reading(data):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    rows = Rows(data)
    landscape, plane = Landscape(model, Stream(rows)), Plane.random(Weights.of(model), seed=0)
    landscape(plane(0, 0))
    before = rows.readings
    x = y = torch.linspace(-1, 1, 9)
    surface = survey(landscape, plane, x, y)
    assert rows.readings == before + 1
    torch.testing.assert_close(surface.loss, survey(Landscape(model, data), plane, x, y).loss)
    torch.testing.assert_close(Survey(landscape, plane, x, y).finish().loss, surface.loss)


def test_rows_that_depend_on_each_other_are_no_stream(data):
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(16, 3), nn.BatchNorm1d(3, track_running_stats=False)
    )
    with pytest.raises(ValueError, match="depend on the rows beside it"):
        Landscape(model, Stream(Rows(data)))(Weights.of(model))


def test_statistics_are_measured_on_a_stream(data):
    model = MODELS["batch norm"]()
    theta = Weights.of(model)
    streamed = recalibrate(model, theta, Stream(Rows(data)), batch_size=7)
    held = recalibrate(model, theta, data, batch_size=7)
    for name, buffer in held.buffers.items():
        torch.testing.assert_close(streamed.buffers[name], buffer)


LARGE = """
import resource, torch
from torch import nn
from fusionlab import Stream, Weights
from fusionlab.landscape import Landscape, Plane, survey

def rows():  # 400 MB in all
    for i in range(50):
        yield torch.randn(2000, 1000), torch.arange(2000) % 10

theta = Weights.of(model := nn.Linear(1000, 10))
landscape = Landscape(model, Stream(rows))
landscape(theta)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
x = y = torch.linspace(-1, 1, 5)
survey(landscape, Plane.random(theta, seed=0), x, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000)
"""


def test_a_survey_over_a_stream_holds_no_more_than_a_batch():
    pytest.importorskip("resource")  # not on Windows
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 80, "megabytes beside what one point needs"
