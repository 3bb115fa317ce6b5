"""Points of weight space as files: ours say how they were made, those of other tools are read.

A file is written completely or not at all, and is read without executing code. The header of ours
holds the SHA-256 of the content, so that damage is found when the file is read.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fusionlab.checkpoints.contents import Location, find_places, likely
from fusionlab.checkpoints.files import CheckpointError, atomic_write
from fusionlab.checkpoints.formats import DAMAGED, HEADER, PAIRS, Content, read
from fusionlab.checkpoints.names import Translation, is_measured, translate, without_wrappers
from fusionlab.data import content_hash
from fusionlab.modules import check_initialised
from fusionlab.spaces import few
from fusionlab.weights import Weights


class Checkpoint(NamedTuple):
    """A point, and the facts of how it was made (recipe, seed, versions, sha256).

    Example:
        >>> import tempfile
        >>> from fusionlab.checkpoints import load, save
        >>> from fusionlab.lab import initial, mlp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/a.safetensors", initial(mlp(2, 2), seed=0), {"seed": 0})
        ...     checkpoint = load(f"{folder}/a.safetensors")
        >>> checkpoint.theta.size, checkpoint.facts["seed"]
        (6, 0)
    """

    theta: Weights
    facts: dict[str, Any]


def save(path: str | Path, theta: Weights, facts: Mapping[str, Any] | None = None) -> None:
    """Write θ with JSON `facts`, library versions and a SHA-256, completely or not at all.

    Raises:
        ValueError: if a tensor has no plain numbers (sparse, quantised, on `meta`), or a name
            is used twice or is reserved by the format.
    """
    tensors = {**theta, **theta.buffers}
    _check_savable(theta, tensors)
    # A clone per tensor: safetensors refuses tensors that share memory.
    tensors = {n: t.detach().cpu().clone().resolve_conj().resolve_neg() for n, t in tensors.items()}
    pairs = [name for name, t in tensors.items() if t.dtype == torch.complex128]
    header = {
        "facts": {
            **(facts or {}),
            "versions": {name: _version(name) for name in ("fusionlab", "torch")},
            "sha256": content_hash(tensors),
        },
        "parameters": list(theta),  # their order, which the format itself does not keep
        "buffers": list(theta.buffers),
        **({PAIRS: pairs} if pairs else {}),  # a type that the format does not know
    }
    tensors |= {name: torch.view_as_real(tensors[name]) for name in pairs}
    with atomic_write(path) as temporary:
        save_file(
            {n: t.contiguous() for n, t in tensors.items()},
            temporary,
            metadata={HEADER: json.dumps(header)},
        )


def load(path: str | Path, *, like: nn.Module | None = None, key: str | None = None) -> Checkpoint:
    """Read a point from a file of safetensors or `torch.save`; no code in it is executed.

    The content decides the format, not the file's name. Files of ours and zip files of `torch.save`
    have checksums, so damage is found; other files have none.

    Args:
        path: a file, an index of parts (`….index.json`), or a folder as Hugging Face writes it.
        like: a network of the same architecture. The point gets its names, without the
            prefixes of wrappers or larger networks, and with all names of tied weights. Without
            it, buffers are recognised by BatchNorm's names or as integers.
        key: where in the file the weights are, if it has several: keys joined by dots.

    Returns:
        The point, and the facts in the file; the fact "left out" lists names of its tensors that
        `like` does not have.

    Raises:
        CheckpointError: if the file is damaged, incomplete, unsafe, of another format or network,
            or has no tensors by name, or those of several networks.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if like is not None:
        check_initialised(like)
    content = read(path)
    tree, header = _checked(path, content)
    if header and not key:
        places = [Location("", tree, len(tree))]
    else:
        places = find_places(tree, key=key, path=path)
    facts, buffers = header.get("facts", {}), header.get("buffers", [])
    if like is None:
        (place,) = _only(path, likely(places))
        tensors = place.tensors if header else without_wrappers(place.tensors)
        return Checkpoint(_sort(tensors, buffers if header else None), facts)
    translation = _fitting(path, places, like, buffers)
    if translation.apart:
        warnings.warn(
            f"{path} holds a larger network than the {type(like).__name__}: "
            f"{few(translation.apart)} are left out.",
            stacklevel=2,
        )
    more = {"left out": translation.left_out} if translation.left_out else {}
    return Checkpoint(translation.theta, {**facts, **more})


def _checked(path: Path, content: Content) -> Content:
    """The content; if the file is ours, with a correct hash and in our order."""
    tree, header = content
    if not header:
        return content
    tree |= {name: torch.view_as_complex(tree[name]) for name in header.get(PAIRS, [])}
    if header["facts"]["sha256"] != content_hash(tree):
        words = "its content does not match the SHA-256 in its header"
        raise CheckpointError(f"{path} {DAMAGED.format(words)}")
    return Content({n: tree[n] for n in [*header["parameters"], *header["buffers"]]}, header)


def _fitting(
    path: Path, places: Sequence[Location], like: nn.Module, buffers: Sequence[str]
) -> Translation:
    """The one place whose tensors are a point of `like`, in its names."""
    read = {place.key: translate(place.tensors, like, buffers=buffers) for place in places}
    if fitting := [place for place in places if not read[place.key].faults]:
        (place,) = _only(path, likely(fitting))
        return read[place.key]
    said = [f"at {p.title} " * bool(p.key) + "; ".join(read[p.key].faults) for p in likely(places)]
    raise CheckpointError(
        f"{path} does not fit the {type(like).__name__}: {'. And '.join(said[:3])}. "
        "Both must come from the same architecture."
    )


def _only(path: Path, places: Sequence[Location]) -> Sequence[Location]:
    """One place, or an error that lists them."""
    if len(places) > 1:
        named = next(place.key for place in places if place.key)
        raise CheckpointError(
            f"{path} holds the weights of several networks, at {', '.join(p.title for p in places)}"
            f": choose one with key=, such as key={named!r}."
        )
    return places


def _sort(tensors: Mapping[str, Tensor], buffers: Sequence[str] | None) -> Weights:
    """Divide named tensors into parameters and buffers."""
    if buffers is None:
        buffers = [name for name, t in tensors.items() if is_measured(name, t)]
    parameters = {name: t for name, t in tensors.items() if name not in set(buffers)}
    return Weights(parameters, {name: tensors[name] for name in buffers if name in tensors})


def _check_savable(theta: Weights, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise ValueError(
                f"{name!r} is not a tensor of plain numbers ({tensor.dtype}, {tensor.layout}, on "
                f"{tensor.device}), so it cannot be saved. Make it dense first."
            )
    if twice := theta.keys() & theta.buffers.keys() | tensors.keys() & {"__metadata__"}:
        raise ValueError(
            f"{few(sorted(twice))} is the name of a parameter and of a buffer, or reserved for "
            "the file's own header. Give it another name."
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
