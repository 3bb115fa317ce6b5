"""From the names in a file, which wrappers and tools change, to the names of a module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from fusionlab.data import content_hash
from fusionlab.spaces import common_prefixes, few
from fusionlab.weights import Weights

WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
MEASURED = ("running_mean", "running_var", "num_batches_tracked")
Rename = Callable[[str], str]


class Translation(NamedTuple):
    """A file's tensors under a module's names.

    Attributes:
        theta: the point.
        left_out: names in the file that are not part of it.
        apart: those of them that are weights of other parts of a larger network.
        faults: why the tensors are not a point of the module, if so.
    """

    theta: Weights
    left_out: list[str]
    apart: list[str]
    faults: list[str]


def without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by name, without the wrappers that every name begins with."""
    for prefix in (f"{wrapper}." for wrapper in WRAPPERS):
        if tensors and all(name.startswith(prefix) for name in tensors):
            return without_wrappers({n.removeprefix(prefix): t for n, t in tensors.items()})
    return dict(tensors)


def is_measured(name: str, tensor: Tensor) -> bool:
    """Whether a tensor is a counter or a statistic, and so not a coordinate."""
    counts = not (tensor.is_floating_point() or tensor.is_complex())
    return counts or name.rsplit(".", 1)[-1] in MEASURED


def translate(
    tensors: Mapping[str, Tensor], like: nn.Module, *, buffers: Collection[str] = ()
) -> Translation:
    """Find the parameters and buffers of `like` among `tensors`, by name.

    Names may differ by wrappers, and by a common prefix of all names of the module in the file
    (it was a part of a larger network) or in the module. Of tied tensors any name is enough.

    Args:
        tensors: a file's tensors by name.
        like: a network of the architecture.
        buffers: names of tensors that are known to be buffers.
    """
    slots = _slots(like)
    plain = _rename(tensors, [name for slot in slots for name in slot.names])
    readings = _readings({plain(name): name for name in tensors}, slots, plain)
    fitting = [each for each in readings if not each.misfits(tensors)]
    reading = (fitting or readings)[0]
    left_out = [name for name in tensors if name not in reading.used]
    weights = [n for n in left_out if n not in buffers and not is_measured(n, tensors[n])]
    inside = [name for name in weights if plain(name).startswith(reading.prefix)]
    faults = reading.misfits(tensors)
    if len({content_hash(each.point(tensors)) for each in fitting[:2]}) > 1:
        parts = [each.prefix.rstrip(".") for each in fitting]
        faults.append(f"{len(parts)} parts of it fit, {few(parts)}: say which by key={parts[0]!r}")
    if inside:
        faults.append(f"it has {few(inside)}, which the module does not know")
    apart = [name for name in weights if name not in inside]
    return Translation(reading.point(tensors), left_out, apart, faults)


class _Slot(NamedTuple):
    """One tensor of a module, and all its names."""

    names: list[str]
    tensor: Tensor
    is_parameter: bool

    def differences(self, found: Mapping[str, Tensor]) -> list[str]:
        """How the tensors of these names in a file differ from it, and from each other."""
        said = []
        for name, tensor in found.items():
            sizes, own = tuple(tensor.shape), tuple(self.tensor.shape)
            if sizes != own:
                said.append(f"{name!r} is {sizes} in the file and {own} in the module")
            elif self.is_parameter and _kind(tensor) != _kind(self.tensor):
                types = f"{tensor.dtype} in the file and {self.tensor.dtype} in the module"
                said.append(f"{name!r} is {types}")
        if len(found) > 1 and len({content_hash({"": tensor}) for tensor in found.values()}) > 1:
            said.append(f"{few(list(found))} are one tensor in the module and differ in the file")
        return said


@dataclass(frozen=True, eq=False)
class _Reading:
    """One way to read a file: the prefix of the names, and where each slot is found."""

    prefix: str
    found: list[tuple[_Slot, list[str]]]

    @property
    def used(self) -> set[str]:
        return {name for _, names in self.found for name in names}

    def point(self, tensors: Mapping[str, Tensor]) -> Weights:
        parameters, buffers = (
            {
                s.names[0]: tensors[names[0]]
                for s, names in self.found
                if names and s.is_parameter == kind
            }
            for kind in (True, False)
        )
        return Weights(parameters, buffers)

    def misfits(self, tensors: Mapping[str, Tensor]) -> list[str]:
        """What the file lacks, and the first differences from the module."""
        lacking = [slot.names[0] for slot, names in self.found if slot.is_parameter and not names]
        differing = [
            words
            for slot, names in self.found
            for words in slot.differences({name: tensors[name] for name in names})
        ]
        more = [f"{len(differing) - 2} more differ"] if len(differing) > 2 else []
        return [*([f"it lacks {few(lacking)}"] if lacking else []), *differing[:2], *more]


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _slots(module: nn.Module) -> list[_Slot]:
    slots: dict[int, _Slot] = {}
    for is_parameter, named in (
        (True, module.named_parameters(remove_duplicate=False)),
        (False, module.named_buffers(remove_duplicate=False)),
    ):
        for name, tensor in named:
            slots.setdefault(id(tensor), _Slot([], tensor, is_parameter)).names.append(name)
    return list(slots.values())


def _bare(name: str) -> str:
    """A name without the wrappers in it; the tensor itself may have such a name."""
    *path, last = name.split(".")
    return ".".join([*(part for part in path if part not in WRAPPERS), last])


def _rename(*groups: Iterable[str]) -> Rename:
    """Drop wrappers everywhere, unless two names would become one."""
    distinct = all(len({_bare(n) for n in names}) == len(set(names)) for names in map(list, groups))
    return _bare if distinct else str


def _readings(file: Mapping[str, str], slots: list[_Slot], plain: Rename) -> list[_Reading]:
    """The ways to read a file that explain most of a module's parameters, simplest first."""
    own = {plain(n): i for i, slot in enumerate(slots) if slot.is_parameter for n in slot.names}
    hits = defaultdict(set)
    for inner in common_prefixes(own):
        known = {name.removeprefix(inner): i for name, i in own.items()}
        for name, outer in ((n, outer) for n in file for outer in common_prefixes([n])):
            if (i := known.get(name.removeprefix(outer))) is not None:
                hits[outer, inner].add(i)
    most = max(map(len, hits.values()), default=0)
    best = sorted((e for e in hits if len(hits[e]) == most), key=lambda e: len(e[0]) + len(e[1]))
    if not best or best[0] == ("", ""):
        best = [("", "")]
    readings: dict[str, _Reading] = {}
    for outer, inner in best:
        found = [(s, [outer + plain(n).removeprefix(inner) for n in s.names]) for s in slots]
        there = [(s, [file[name] for name in names if name in file]) for s, names in found]
        readings.setdefault(str([names for _, names in there]), _Reading(outer, there))
    return list(readings.values())
