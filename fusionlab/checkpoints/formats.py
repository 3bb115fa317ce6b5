"""The content of a file, whatever its format: nested dictionaries of tensors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from fusionlab.checkpoints.archives import check_zip
from fusionlab.checkpoints.files import CheckpointError
from fusionlab.checkpoints.folders import read_index, weights_in
from fusionlab.checkpoints.kinds import recognise

HEADER = "fusionlab"  # the key of our JSON among a safetensors file's metadata
PAIRS = "complex"  # in our JSON: names of tensors that are kept as pairs of real numbers
DAMAGED = "is damaged: {}. Delete it, and save or train it again."
PART = re.compile(r"-\d+-of-0*([2-9]|[1-9]\d+)\b")  # the names of the parts of a sharded point
REFUSED = re.compile(r"GLOBAL ([\w.]+)|<class '([\w.]+)'>|Unsupported operand (\d+)")


class Content(NamedTuple):
    """What a file holds: nested dictionaries, and our header where we have written it."""

    tree: Any
    header: dict[str, Any]


def read(path: Path) -> Content:
    """Read a file by its content, the parts that an index lists, or what a folder has of these.

    Raises:
        CheckpointError: if it is damaged or incomplete, is something else, or holds more than
            tensors and plain values.
        FileNotFoundError: if there is no such file.
    """
    if path.is_dir():
        return read(weights_in(path))
    if not path.is_file():
        raise FileNotFoundError(
            f"no checkpoint at {path}: check the name, or train and save one first."
        )
    form = recognise(path)
    if form == "index":
        return Content(_join(path), {})
    if PART.search(path.name):
        raise CheckpointError(
            f"{path} is one part of a point in several files. Give the folder, or the index beside "
            "it (….index.json)."
        )
    return _read_one(path)


def _read_one(path: Path) -> Content:
    form = recognise(path)
    if form == "safetensors":
        return _read_safetensors(path)
    if form == "index":
        raise CheckpointError(
            f"{path} is an index of parts, not a file of tensors. Download the parts again."
        )
    if form == "zip":
        check_zip(path)
    return Content(_read_torch(path), {})


def _join(index: Path) -> dict[str, Any]:
    """The tensors of all parts that an index lists."""
    tensors: dict[str, Any] = {}
    for part, names in read_index(index).items():
        tree = _read_one(part).tree
        if missing := [name for name in names if name not in tree]:
            raise CheckpointError(
                f"{part} lacks {missing[0]!r}, which {index.name} lists: the files are not of "
                "one point. Download all parts and the index again."
            )
        tensors |= {name: tree[name] for name in names}
    return tensors


def _read_safetensors(path: Path) -> Content:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tree = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a complete safetensors file ({error}): it was cut short or damaged, "
            "perhaps while it was copied. Copy or save it again."
        ) from error
    return Content(tree, _header(path, metadata, list(tree)))


def _header(path: Path, metadata: dict[str, str], names: list[str]) -> dict[str, Any]:
    """Our header, if the file is ours; it must list every tensor once."""
    if HEADER not in metadata:
        if any(value.startswith('{"facts": ') for value in metadata.values()):
            raise CheckpointError(f"{path} {DAMAGED.format('the name of its header is missing')}")
        return {}
    try:
        header = json.loads(metadata[HEADER])
        listed = [*header["parameters"], *header["buffers"]]
        pairs = set(header.get(PAIRS, []))
        whole = (
            sorted(listed) == sorted(names) and pairs <= {*names} and "sha256" in header["facts"]
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise CheckpointError(f"{path} {DAMAGED.format('its header does not list its tensors')}")
    return header  # type: ignore[no-any-return]


def _read_torch(path: Path) -> Any:
    try:
        with path.open("rb") as file:  # with a path, torch.load would also judge by the name
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes fail in any way
        if refused := REFUSED.search(str(error)):
            name = refused[1] or refused[2]
            what = f"an object of {name}" if name else "a pickle of another protocol than 2"
            raise CheckpointError(
                f"{path} cannot be read as plain tensors: it holds {what}, and no code in a file "
                "is executed. If you trust it, load it with content = torch.load(path, "
                "weights_only=False), and save model.state_dict() only: "
                "torch.save(content.state_dict(), 'weights.pt') for a whole model, or "
                "torch.save(content['model'], 'weights.pt') for the part that holds the weights."
            ) from error
        raise CheckpointError(
            f"{path} cannot be read as plain tensors: it is cut short or damaged "
            f"({type(error).__name__}). Copy it again, or save model.state_dict() again."
        ) from error
