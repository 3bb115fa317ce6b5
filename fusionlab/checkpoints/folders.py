"""Points that are a folder of files: which file holds the weights, and which parts belong to it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath

from fusionlab.checkpoints.files import CheckpointError
from fusionlab.spaces import few

WEIGHTS = (  # in the order in which Hugging Face looks for them
    "model.safetensors",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "diffusion_pytorch_model.bin",
)
OTHERS = {
    "adapter_model.safetensors": "only an adapter, not a whole network: merge it into the "
    "network that it was made for (peft's merge_and_unload), and save that",
    "adapter_model.bin": "only an adapter, not a whole network: merge it into the "
    "network that it was made for (peft's merge_and_unload), and save that",
    ".metadata": "a point of torch.distributed.checkpoint: make one file of it with "
    "torch.distributed.checkpoint.format_utils.dcp_to_torch_save",
    "data.pkl": "a file of torch.save that was unpacked, as some browsers do: download it again, "
    "or zip the folder itself",
}


def weights_in(folder: Path) -> Path:
    """The file of a folder that holds a network's weights, or the index of its parts.

    Raises:
        CheckpointError: if there is none; it says what the folder holds instead.
    """
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    for name, words in OTHERS.items():
        if (folder / name).exists():
            raise CheckpointError(f"{folder} holds {words}.")
    names = sorted(path.name for path in folder.iterdir())
    raise CheckpointError(
        f"{folder} is a folder with {few(names) if names else 'nothing'} in it, but without "
        "model.safetensors, pytorch_model.bin or an index of parts. Give the path of a file."
    )


def read_index(index: Path) -> dict[Path, list[str]]:
    """The names of the tensors that each part holds, by the path of the part.

    Raises:
        CheckpointError: if the index is damaged, a part is missing, or a path leaves the folder.
    """
    try:
        where = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        parts = defaultdict(list)
        for name, part in where.items():
            parts[_inside(index, part)].append(name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{index} is not a complete index of parts: it is cut short or damaged. Download it "
            "again."
        ) from error
    if missing := sorted(part.name for part in parts if not part.is_file()):
        raise CheckpointError(
            f"{index} lists {len(parts)} parts, but {few(missing)} cannot be found beside it. "
            "Download all of them."
        )
    return dict(parts)


def _inside(index: Path, part: str) -> Path:
    """The path of a part; links may leave the folder, as in Hugging Face's cache, names may not."""
    posix, windows = PurePosixPath(part), PureWindowsPath(part)
    leaves = posix.is_absolute() or windows.anchor or ".." in windows.parts
    if leaves or "\\" in part:
        raise CheckpointError(
            f"{index} names a part outside of its folder, {part!r}: such a file is not read. "
            "Download the folder from a place that you trust."
        )
    return index.parent / posix
