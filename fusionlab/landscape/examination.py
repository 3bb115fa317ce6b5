"""Find out how a network has to be called so that it is a function of its weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.landscape.moments import is_torchs, normalising_layers
from fusionlab.landscape.network import Handling, Modes, Network
from fusionlab.landscape.plain import Yardstick, difference, elsewhere
from fusionlab.landscape.precision import working
from fusionlab.landscape.statistics import measure
from fusionlab.modes import has_own_modes
from fusionlab.modules import copy_module
from fusionlab.outputs import Inputs, explained, in_precision, map_tensors, tensors_of
from fusionlab.weights import Weights

FEW = 4  # rows on which ways of computing are compared
ALIKE = 1e-3  # relative difference between two ways to normalise a few rows


@dataclass(frozen=True)
class Examined:
    """A network as a pure function, and what was found out about it.

    Attributes:
        network: called as it has to be.
        base: the module itself at rest, for the plain path.
        steady: whether it gives the same outputs twice; else it draws random numbers.
        by_row: whether each row's outputs are its own, whatever rows stand beside it.
        one_pass: whether normalising by a batch is the same as measuring it and normalising then.
        unmeasurable: a layer whose statistics cannot be measured at a point, or "".
    """

    network: Network
    base: nn.Module
    steady: bool = True
    by_row: bool = True
    one_pass: bool = True
    unmeasurable: str = ""

    @contextmanager
    def same_draws(self) -> Iterator[None]:
        """A block in which a network that draws has the same random numbers; torch's stay."""
        if self.steady:
            yield
            return
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            yield

    def check_measurable(self) -> None:
        """Raise a ValueError if statistics are needed that cannot be measured."""
        if self.unmeasurable:
            raise ValueError(
                f"the layer {self.unmeasurable!r} keeps running statistics in a way of its own, so "
                "they cannot be measured at a point. Give batch_norm='fixed', and points that "
                "bring their statistics."
            )


@torch.no_grad()
def examine(
    model: nn.Module,
    inputs: Inputs,
    *,
    device: torch.device,
    select: Callable[[Any], Any] = lambda returned: returned,
) -> Examined:
    """Try a network on a few rows at two points, and compare with the plain path.

    Raises:
        ValueError: if the network cannot take the inputs.
    """
    base = _at_rest(model, device)
    theta = Weights.of(base)
    there = elsewhere(theta)
    few = in_precision(map_tensors(lambda t: t[:FEW].to(device), inputs), theta)
    with explained(inputs):
        plain = Yardstick(base, there, few, select)
    tried: list[Network] = []
    for modes in _ways(base):
        tried.append(_watched(base, modes, select, theta, few))
        tried[-1](theta, few)  # what it keeps from one point would show at the next
        if plain.agrees(tried[-1]({**there, **there.buffers}, few)):
            break
        if not plain.steady:
            _warn(_DRAWS)
            return Examined(tried[0], base, steady=False)
    else:
        _warn(f"{_culprit(tried[0], plain)}, in a way that could not be mended: do not trust it.")
    if tried[-1].handling.modes == "anew":
        _warn(f"{_culprit(tried[0], plain)}: each point gets a fresh network, which is slower.")
    return _with_rows(Examined(tried[-1], base), there, few)


_DEPTH = 6  # from here to the reader's call


def _at_rest(model: nn.Module, device: torch.device) -> nn.Module:
    """A copy in training mode, in which no layer has merged or cached its weights."""
    base = copy_module(model).to(device).train()
    dtype = working(dict(base.named_parameters()))
    return base if dtype is None else base.to(dtype)


def _ways(base: nn.Module) -> Iterator[Modes]:
    yield "evaluation"
    if has_own_modes(base):
        yield "flags"
    yield "anew"


def _watched(
    base: nn.Module, modes: Modes, select: Callable[[Any], Any], theta: Weights, few: Inputs
) -> Network:
    """The network, called so that nothing it writes reaches what it was given."""
    handling = Handling(modes)
    network = Network(base, handling=handling, select=select)
    given = map_tensors(torch.clone, few)
    tensors = {n: t.clone() for n, t in {**network.constants, **theta, **theta.buffers}.items()}
    before = [t._version for t in (*tensors_of(given), *tensors.values())]
    network(tensors, given)
    after = [t._version for t in (*tensors_of(given), *tensors.values())]
    written = [p != q for p, q in zip(before, after, strict=True)]
    inputs = len(tensors_of(given))
    network.handling = replace(
        handling, copies_inputs=any(written[:inputs]), copies_tensors=any(written[inputs:])
    )
    return network


def _with_rows(examined: Examined, theta: Weights, few: Inputs) -> Examined:
    """What the network does with the rows of a batch."""
    network, tensors = examined.network, {**theta, **theta.buffers}
    n = len(tensors_of(few)[0])
    whole = network(tensors, few)
    by_row = True
    if n >= FEW:
        halves = [network(tensors, map_tensors(lambda t: t[part], few)) for part in _halves(n)]  # noqa: B023
        by_row = difference(_head(whole, n // 2), halves[0]) < ALIKE
    if not network.measured:
        return replace(examined, by_row=by_row)
    unmeasurable = _settle_momenta(network, tensors, few)
    statistics = measure(network, tensors, [few])
    apart = difference(network({**tensors, **statistics}, few), network.by_batch(tensors, few))
    network.by_batch.moments()
    one_pass = apart < ALIKE
    return replace(examined, by_row=by_row, one_pass=one_pass, unmeasurable=unmeasurable)


def _settle_momenta(network: Network, tensors: Mapping[str, Tensor], few: Inputs) -> str:
    """See that a batch's statistics do not depend on those before; else name the layer.

    Layers that are not torch's may count what was before by their momentum, not what is new.
    """
    foreign = [n for n, layer in normalising_layers(network.module).items() if not is_torchs(layer)]
    if not foreign or not (own := _remembering(network.by_batch, tensors, few)):
        return ""
    network.momenta = dict.fromkeys(own, 0.0)
    network.__dict__.pop("by_batch")
    return next(iter(_remembering(network.by_batch, tensors, few)), "")


def _remembering(by_batch: Network, tensors: Mapping[str, Tensor], few: Inputs) -> list[str]:
    """Layers whose statistics of a batch depend on those before it."""
    seen = []
    for by_batch.filled in (1.0, 0.0):
        by_batch(tensors, few)
        seen.append(by_batch.moments())
    pairs = {
        name: (seen[0][name][-1].statistics, one[-1].statistics) for name, one in seen[1].items()
    }
    return [
        n for n, (p, q) in pairs.items() if difference(tuple(p.values()), tuple(q.values())) > ALIKE
    ]


def _halves(n: int) -> list[slice]:
    return [slice(0, n // 2), slice(n // 2, n)]


def _head(outputs: Any, n: int) -> Any:
    return map_tensors(lambda t: t[:n], outputs)


_DRAWS = (
    "this network gives different outputs at the same point, also in evaluation mode: does its "
    "forward call F.dropout without training=self.training? Its loss is no function of the "
    "weights. Every point is scored with the same random numbers."
)


def _culprit(network: Network, plain: Yardstick) -> str:
    """The first layer whose outputs are not those of the plain path, in words."""
    at = {**plain.theta, **plain.theta.buffers}
    name = plain.first_apart(lambda layers: network.outputs_of(layers, at, plain.inputs))
    layer = network.module.get_submodule(name)
    where = f"the layer {name!r}" if name else "the network"
    return f"{where} ({type(layer).__name__}) keeps something of the weights from call to call"


def _warn(words: str) -> None:
    warnings.warn(words, RuntimeWarning, stacklevel=_DEPTH)
