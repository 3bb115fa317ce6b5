"""Networks that would train differently have different fingerprints; the same has the same."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from fusionlab.lab import convnet, mlp, resnet
from fusionlab.lab.fingerprints import architecture, digest


class Net(nn.Module):
    def __init__(self, activation=torch.tanh, factor=1.0, constant=0.0):
        super().__init__()
        self.layer, self.activation, self.factor = nn.Linear(2, 2), activation, factor
        self.shift = nn.Parameter(torch.full((2,), constant))

    def forward(self, x):
        return self.factor * self.activation(self.layer(x)) + self.shift


def of(model) -> str:
    return digest(architecture(model))


def test_the_weights_do_not_count_where_they_are_drawn_anew():
    assert of(mlp(2, 3, 2)) == of(mlp(2, 3, 2))
    assert of(resnet(norm="batch")) == of(resnet(norm="batch"))


@pytest.mark.parametrize(
    "other",
    [
        mlp(2, 4, 2),
        mlp(2, 3, 2).double(),
        nn.Sequential(nn.Flatten(), nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)),
    ],
)
def test_widths_precision_and_layers_count(other):
    assert of(other) != of(mlp(2, 3, 2))


def test_a_frozen_layer_counts():
    frozen = mlp(2, 3, 2)
    frozen[1].requires_grad_(False)
    assert of(frozen) != of(mlp(2, 3, 2))


@pytest.mark.parametrize("changed", [{"activation": relu}, {"factor": 2.0}, {"constant": 1.0}])
def test_what_a_repr_does_not_show_counts(changed):
    assert of(Net()) == of(Net())
    assert repr(Net(**changed)) == repr(Net())
    assert of(Net(**changed)) != of(Net())


def test_where_an_object_lies_in_memory_does_not_count():
    class Placed(Net):
        def extra_repr(self) -> str:
            return f"made of <thing at {id(self):#x}>"

    one, other = Placed(), Placed()
    assert repr(one) != repr(other)
    assert of(one) == of(other)


def test_the_code_of_forward_counts_but_not_its_place_or_comments():
    def net(body: str):
        space = {"nn": nn, "torch": torch}
        exec(
            "class Own(nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.layer = nn.Linear(2, 2)\n"
            f"    def forward(self, x):\n{body}\n",
            space,
        )
        return space["Own"]()

    plain = net("        return torch.relu(self.layer(x))")
    moved = net("\n\n        # a comment\n        return torch.relu(self.layer(x))")
    other = net("        return torch.tanh(self.layer(x))")
    nested = [net(f"        return (lambda y: y + {c})(self.layer(x))") for c in (1, 2)]
    assert of(plain) == of(moved)
    assert of(plain) != of(other)
    assert of(nested[0]) != of(nested[1])


def test_the_mode_does_not_count():
    assert of(convnet().eval()) == of(convnet().train())


def test_another_process_finds_the_same():
    code = (
        "from fusionlab.lab import resnet; from fusionlab.lab.fingerprints import *; "
        "print(digest(architecture(resnet())))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == of(resnet())
