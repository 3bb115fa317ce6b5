"""Find out how a network has to be called so that it is a function of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.landscape.hooks import outputs_of
from fusionlab.landscape.moments import is_torchs, normalising_layers, use_batches
from fusionlab.landscape.network import Handling, Network
from fusionlab.landscape.notices import notice
from fusionlab.landscape.plain import Yardstick, difference, elsewhere
from fusionlab.landscape.precision import wide, working
from fusionlab.landscape.statistics import measure
from fusionlab.modes import begin_evaluation, begin_training, has_own_modes
from fusionlab.modules import copy_module
from fusionlab.outputs import Inputs, explained, forward, in_precision, map_tensors, tensors_of
from fusionlab.randomness import all_seeded, random_states
from fusionlab.spaces import own_statistics
from fusionlab.threads import threads
from fusionlab.weights import Weights

FEW = 4  # rows on which ways of computing are compared
LIGHT = 1e6  # parameters of a network for which a second thread costs more than it saves
ALIKE = 1e-3  # relative difference between two ways to normalise a few rows


@dataclass(frozen=True)
class Examined:
    """A network as a pure function, and what was found out about it.

    Attributes:
        network: called as it has to be.
        base: the module itself at rest, for the plain path.
        draws: whether it draws random numbers, be they of use or not.
        by_row: whether each row's outputs are its own, whatever rows are beside it.
        one_pass: whether normalising by a batch is the same as measuring it and normalising then.
        unmeasurable: a layer whose statistics cannot be measured at a point, or "".
    """

    network: Network
    base: nn.Module
    draws: bool = False
    by_row: bool = True
    one_pass: bool = True
    unmeasurable: str = ""

    @contextmanager
    def same_draws(self) -> Iterator[None]:
        """A block in which a network that draws has the same random numbers; the reader's stay."""
        with all_seeded(self.device) if self.draws else nullcontext():
            yield

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        tensors = (*self.base.parameters(), *self.base.buffers())
        return next((t.device for t in tensors), torch.device("cpu"))

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
    few = in_precision(map_tensors(lambda t: t[:FEW].to(device), inputs), theta)
    with explained(inputs), light(theta):
        plain = _yardstick(base, theta, few, select)
    with all_seeded(device), light(theta):
        found = _agreeing(plain.finer or plain, select)
        network = Network(base, handling=found.network.handling, select=select)
        examined = _with_rows(replace(found, network=network, base=base), plain)
    network.forget()  # these few rows, and the precision in which they were tried
    return examined


def light(tensors: Mapping[str, Tensor]) -> AbstractContextManager[None]:
    """A block of calls on a few rows, which for a small network are worth one thread."""
    size = sum(tensor.numel() for tensor in tensors.values())
    return threads(1 if size < LIGHT else torch.get_num_threads())


def _at_rest(model: nn.Module, device: torch.device) -> nn.Module:
    """A copy in training mode, in which no layer has merged or cached its weights."""
    base = begin_training(copy_module(model).to(device))
    dtype = working(dict(base.named_parameters()))
    return base if dtype is None else base.to(dtype)


def _yardstick(
    base: nn.Module, theta: Weights, few: Inputs, select: Callable[[Any], Any]
) -> Yardstick:
    """The plain path at a point near θ where there are outputs, if need be with θ's buffers."""
    near = elsewhere(theta)
    for point in (near, Weights(near, theta.buffers)):
        with suppress(RuntimeError, ValueError):
            plain = Yardstick(base, point, few, select)
            if plain.finite:
                return plain
    return Yardstick(base, theta, few, select)


def _agreeing(plain: Yardstick, select: Callable[[Any], Any]) -> Examined:
    """The network, called in the quickest way that gives the outputs of the plain path."""
    theta = Weights.of(plain.model)
    begun, outputs = _tried(plain, Handling(), theta, select)
    if plain.same(plain.outputs, outputs):
        return _warned(begun, begun, plain)
    own_modes = has_own_modes(plain.model)
    # Flags first, as slopes reach what evaluation would merge.
    for modes in ("flags", "evaluation") if own_modes else ("evaluation",):
        fresh, right = _tried(plain, Handling(modes, anew=True), theta, select)
        if plain.agrees(right):
            held, outputs = _tried(plain, Handling(modes), theta, select)
            return _warned(held if plain.same(right, outputs) else fresh, begun, plain)
    words = _culprit(begun, plain)
    notice(f"{words}, in a way that could not be mended: do not trust it.")
    return begun


def _tried(
    plain: Yardstick, handling: Handling, theta: Weights, select: Callable[[Any], Any]
) -> tuple[Examined, Any]:
    """The network called in one way, and its outputs; what it keeps from θ shows in these."""
    examined = _watched(plain.model, handling, select, theta, plain.inputs)
    with examined.same_draws():
        return examined, examined.network({**plain.theta, **plain.theta.buffers}, plain.inputs)


def _warned(found: Examined, begun: Examined, plain: Yardstick) -> Examined:
    """What was found; the reader is warned of what it means."""
    if found.network.handling.anew:
        notice(f"{_culprit(begun, plain)}: each point gets a fresh network, which is slower.")
    if found.draws and not plain.steady:
        notice(_DRAWS)
    return found


def _watched(
    base: nn.Module,
    handling: Handling,
    select: Callable[[Any], Any],
    theta: Weights,
    few: Inputs,
) -> Examined:
    """The network, called so that nothing it writes reaches what it was given."""
    network = Network(base, handling=handling, select=select)
    given = map_tensors(torch.clone, few)
    tensors = {n: t.clone() for n, t in {**network.constants, **theta, **theta.buffers}.items()}
    lent = [*tensors_of(given), *tensors.values()]
    before = [(t._version, t.clone()) for t in lent]
    stood = random_states(lent[0].device)
    network(tensors, given)
    draws = random_states(lent[0].device) != stood
    written = [_was_written(t, *was) for t, was in zip(lent, before, strict=True)]
    inputs = len(tensors_of(given))
    network.handling = replace(
        handling, copies_inputs=any(written[:inputs]), copies_tensors=any(written[inputs:])
    )
    return Examined(network, base, draws)


def _was_written(tensor: Tensor, version: int, values: Tensor) -> bool:
    # Versions do not count what is written by way of `.data` or NumPy.
    return tensor._version != version or not torch.equal(tensor, values)


def _with_rows(examined: Examined, plain: Yardstick) -> Examined:
    """What the network does with the rows of a batch."""
    network, tensors = examined.network, {**plain.theta, **plain.theta.buffers}
    n = len(tensors_of(plain.inputs)[0])
    if n == FEW and (not examined.draws or plain.steady):
        whole = network(tensors, plain.inputs)
        by_row = all(
            plain.alike(_rows(whole, part), network(tensors, _rows(plain.inputs, part)))
            for part in (slice(0, n // 2), slice(n // 2, n))
        )
        examined = replace(examined, by_row=by_row)
    if not network.measured:
        return examined
    few = _rows(plain.inputs, torch.arange(FEW) % n)  # some layers refuse to measure one row
    first = next(iter(normalising_layers(network.module)))
    try:
        with examined.same_draws():
            if unmeasurable := _beside(plain, few) or _settle_momenta(network, tensors, few):
                return replace(examined, unmeasurable=unmeasurable)
            return replace(examined, one_pass=_in_one_pass(examined, tensors, few))
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        return replace(examined, one_pass=False, unmeasurable=first)


def _in_one_pass(examined: Examined, tensors: Mapping[str, Tensor], few: Inputs) -> bool:
    """Whether normalising by a batch is the same as measuring it and normalising then.

    It is tried in double precision, where that can be: rounding grows from layer to layer.
    """
    network = examined.network
    double = {name: wide(tensor, torch.double) for name, tensor in tensors.items()}
    for at in (double, tensors):
        rows = in_precision(few, at)
        try:
            with examined.same_draws():
                statistics = measure(network, at, [rows])
            with examined.same_draws():
                measured = network({**at, **statistics}, rows)
            with examined.same_draws():
                return difference(measured, network.by_batch(at, rows)) < ALIKE
        except RuntimeError:  # of a layer that takes no double precision
            continue
        finally:
            network.by_batch.moments()  # these few rows are not a measurement
    return False


def _beside(plain: Yardstick, few: Inputs) -> str:
    """A layer that measures more than running means and variances, or ""."""
    network = use_batches(begin_evaluation(plain.theta.to(plain.model)), {})
    layers = normalising_layers(network)
    before = {
        (name, own): b.clone()
        for name, layer in layers.items()
        for own, b in layer.named_buffers(recurse=False)
        if b.is_floating_point() and own not in own_statistics(layer)
    }
    if not before:
        return ""
    forward(network, map_tensors(torch.clone, few))
    changed = (n for (n, own), b in before.items() if not torch.equal(getattr(layers[n], own), b))
    return next(changed, "")


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


def _rows(tensors: Any, rows: slice | Tensor) -> Any:
    return map_tensors(lambda t: t[rows], tensors)


_DRAWS = (
    "this network gives different outputs at the same point, also in evaluation mode: does its "
    "forward call F.dropout without training=self.training? Its loss is then not a function of "
    "the weights. Every point is scored with the same random numbers."
)


def _culprit(examined: Examined, plain: Yardstick) -> str:
    """The first layer whose outputs are not those of the plain path, in words."""
    network, at = examined.network, {**plain.theta, **plain.theta.buffers}
    name = plain.first_apart(lambda layers: outputs_of(network, layers, at, plain.inputs))
    layer = network.module.get_submodule(name)
    where = f"the layer {name!r}" if name else "the network"
    return f"{where} ({type(layer).__name__}) keeps something of the weights from call to call"
