"""A script that makes something that works in the background, and ends in one way meanwhile.

Run as `python leaving.py KIND WAY`. The networks are slow enough that nothing is finished.
"""

import os
import signal
import sys

import torch

from fusionlab import Data, Weights
from fusionlab.connectivity import Bezier, Fitting, Line, Simplex
from fusionlab.lab import resnet
from fusionlab.landscape import Landscape, Plane, Survey
from fusionlab.show import explore_curves, explore_landscape, explore_line, explore_subspace

torch.set_num_threads(2)
DATA = Data(torch.randn(300, 1, 24, 24), torch.arange(300) % 10)
MODEL = resnet()
A, B, C = (Weights.of(resnet()) for _ in range(3))
LANDSCAPE = Landscape(MODEL, DATA)


def curves():
    curve = Bezier.between(A, B)
    explorer = explore_curves(
        LANDSCAPE,
        {"the line": Line(A, B), "the curve": curve},
        training={"the curve": lambda: Fitting(MODEL, DATA, curve, seed=0)},
    )
    explorer.trainer.go_on()
    return explorer


def survey():
    survey = Survey(LANDSCAPE, Plane.random(A, seed=0), torch.zeros(1), torch.zeros(1))
    return survey.finish()


def playing():
    explorer = explore_landscape(LANDSCAPE, Plane.random(A, seed=0), {"a": A}, trajectory=[A, B, C])
    explorer.play.value = True
    return explorer


KINDS = {
    "line": lambda: explore_line(LANDSCAPE, Line(A, B)),
    "landscape": lambda: explore_landscape(LANDSCAPE, Plane.random(A, seed=0), {"a": A}),
    "curves": curves,
    "subspace": lambda: explore_subspace(LANDSCAPE, Simplex((A, B, C))),
    "survey": survey,
    "playing": playing,
}


def leave(made, way: str) -> None:
    if way == "exit":
        sys.exit(3)
    if way == "error":
        raise ValueError("the script's own")
    if way == "interrupt":
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        made.wait()


if __name__ == "__main__":
    made = KINDS[sys.argv[1]]()
    print("made")
    leave(made, sys.argv[2])
