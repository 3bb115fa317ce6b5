"""Points of weight space on disk: safetensors files that carry the facts of their making.

A file is written whole or not at all, and is read without executing code. Its content's SHA-256
stands in its header, so that damage is seen when it is read.
"""

from __future__ import annotations

import json
import os
import pickle
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fusionlab.data import content_hash
from fusionlab.weights import Weights

HEADER = "fusionlab"  # the key of our JSON among a safetensors file's metadata
MEASURED = ("running_mean", "running_var", "num_batches_tracked")
WRAPPERS = ("state_dict", "model_state_dict", "model")  # where training scripts put the tensors


class CheckpointError(ValueError):
    """A file that cannot be read as a point of weight space."""


class Checkpoint(NamedTuple):
    """A point and the facts of its making (recipe, seed, versions, sha256)."""

    theta: Weights
    facts: dict[str, Any]


def save(path: str | Path, theta: Weights, facts: Mapping[str, Any] | None = None) -> None:
    """Write θ with JSON-able `facts`, library versions and a SHA-256, whole or not at all."""
    # A clone per tensor: safetensors refuses tensors that share memory.
    tensors = {n: t.detach().cpu().clone() for n, t in {**theta, **theta.buffers}.items()}
    header = {
        "facts": {
            **(facts or {}),
            "versions": {name: _version(name) for name in ("fusionlab", "torch")},
            "sha256": content_hash(tensors),
        },
        "parameters": list(theta),  # their order, which the format itself does not keep
        "buffers": list(theta.buffers),
    }
    with atomic_write(path) as temporary:
        save_file(
            {n: t.contiguous() for n, t in tensors.items()},
            temporary,
            metadata={HEADER: json.dumps(header)},
        )


def load(path: str | Path, *, like: nn.Module | None = None) -> Checkpoint:
    """Read a `.safetensors`, `.pt` or `.pth` file; no code in it is executed.

    Args:
        path: the file; its ending tells the format.
        like: a network of the same architecture, which tells parameters from buffers and tied
            names; without it a foreign file's buffers are known by BatchNorm's names.

    Raises:
        CheckpointError: if the file is truncated, damaged, hostile, or holds no tensors by name.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}: check the name, or train and save first")
    read = _read_pickle if path.suffix in (".pt", ".pth") else _read_safetensors
    tensors, header = read(path)
    facts = header.get("facts", {})
    if "sha256" in facts and facts["sha256"] != content_hash(tensors):
        raise CheckpointError(
            f"{path} is damaged: its content does not match the SHA-256 in its header. "
            "Delete it and save or train it again."
        )
    order = [*header.get("parameters", []), *header.get("buffers", [])]
    tensors = {name: tensors[name] for name in order} or tensors
    return Checkpoint(_sort(tensors, header.get("buffers"), like), facts)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Lend a temporary file beside `path`; it takes that name only if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # as any new file; some writers make it private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is no whole safetensors file ({error}): was it cut short while it was "
            "copied? Copy or save it again."
        ) from error


def _read_pickle(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path} cannot be read as plain tensors, and nothing else in it is executed. It is "
            "cut short, or holds a whole object: load it where you trust it and save "
            "model.state_dict() instead."
        ) from error
    wrapped = next((key for key in WRAPPERS if key in content), None) if _is_dict(content) else None
    tensors = content[wrapped] if wrapped else content
    if not _is_dict(tensors) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise CheckpointError(
            f"{path} holds a {type(tensors).__name__}, not tensors by name: save "
            "model.state_dict()."
        )
    return dict(tensors), {}


def _is_dict(content: object) -> bool:
    return isinstance(content, Mapping)


def _sort(tensors: dict[str, Tensor], buffers: list[str] | None, like: nn.Module | None) -> Weights:
    """Divide named tensors into parameters and buffers; a tied parameter's other names go."""
    if like is not None:
        buffers = [name for name, _ in like.named_buffers()]
        own = dict(like.named_parameters())
        tied = dict(like.named_parameters(remove_duplicate=False)).keys() - own.keys()
        tensors = {name: t for name, t in tensors.items() if name not in tied}
    elif buffers is None:
        buffers = [name for name in tensors if name.split(".")[-1] in MEASURED]
    parameters = {name: t for name, t in tensors.items() if name not in buffers}
    return Weights(parameters, {name: tensors[name] for name in buffers if name in tensors})


def _umask() -> int:
    """What this process withholds from new files; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
