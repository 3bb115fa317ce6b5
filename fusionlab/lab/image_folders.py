"""Folders of pictures: which files count, and their pixels as numbers in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusionlab.data import Data
from fusionlab.outputs import tensors_of
from fusionlab.rows import read_numbered

Transform = Callable[[Any], Tensor]

WHITE = 65535  # of 16-bit grey
ONE_SHAPE = "All inputs need one shape: give size=(height, width), or a transform."


def visible_folders(folder: Path) -> list[str]:
    """The sorted names of its subfolders, without hidden ones and those of other programs."""
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and _is_visible(one.name))


def read_pictures(
    folder: Path,
    *,
    size: int | tuple[int, int] | None,
    grey: bool,
    most: int | None,
    transform: Transform | None,
    seed: int,
) -> tuple[Data, tuple[str, ...]]:
    """Read the pictures of a folder with one subfolder per class; the classes, in their order.

    Raises:
        ValueError: if there are none, they differ in size, or one cannot be read.
    """
    look = _upright_rgb(transform) if transform else _to_tensor(size, grey=grey)
    files = _files(folder, look)
    labels = torch.tensor(files.targets)
    numbers = Data(torch.arange(len(labels)), labels)
    chosen = numbers if most is None else numbers.sample(most, seed=seed)
    [rows] = tensors_of(chosen.inputs)
    read = read_numbered(
        files, rows.tolist(), name=lambda i: str(files.samples[i][0]), remedy=ONE_SHAPE
    )
    return Data(*read), tuple(files.classes)


def _files(folder: Path, look: Transform) -> Any:
    """The pictures and labels, as torchvision finds them; hidden files and folders do not count."""
    from torchvision.datasets import DatasetFolder
    from torchvision.datasets.folder import IMG_EXTENSIONS

    class Pictures(DatasetFolder):
        def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
            names = visible_folders(Path(directory))
            if not names:
                raise FileNotFoundError("it has no subfolders.")
            return names, {name: i for i, name in enumerate(names)}

    def counts(path: str) -> bool:
        inside = Path(path).relative_to(folder).parts
        return all(map(_is_visible, inside)) and path.lower().endswith(IMG_EXTENSIONS)

    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: check its name.")
    try:
        return Pictures(str(folder), _open, transform=look, is_valid_file=counts)
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder} cannot be read as classes of images: {str(error).splitlines()[0]} Put the "
            "images into one subfolder per class, such as cats/1.png and dogs/2.png."
        ) from error


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name not in ("__MACOSX", "Thumbs.db")


def _open(path: str) -> Any:
    """A picture, upright, as RGB; one of more than 8 bits as grey floats in [0, 1].

    Raises:
        ValueError: if it cannot be read, with its name.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)  # as people see it
            if picture.mode.startswith("I") or picture.mode == "F":
                return Image.fromarray(_unit_grey(picture))
            return picture.convert("RGB")
    except Exception as error:  # pillow raises many kinds for a file that is cut short
        raise ValueError(f"{path} cannot be read ({error}): repair or remove it.") from error


def _unit_grey(picture: Any) -> np.ndarray:
    """Grey values (h, w) in [0, 1]: integers are taken as 16 bits, floats as they are."""
    values = np.asarray(picture).astype(np.float32)
    white = 1 if picture.mode == "F" else WHITE
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= white:
        raise ValueError(
            f"its values run from {low:g} to {high:g}, but mode {picture.mode} needs values from 0 "
            f"to {white}"
        )
    return values / np.float32(white)


def _upright_rgb(transform: Transform) -> Transform:
    """The reader's own transform; it gets pictures of 8 bits."""

    def look(picture: Any) -> Tensor:
        if picture.mode == "F":
            picture = picture.point(lambda v: v * 255 + 0.5).convert("L").convert("RGB")
        return transform(picture)

    return look


def _to_tensor(size: int | tuple[int, int] | None, *, grey: bool) -> Transform:
    """Pictures as floats in [0, 1], of shape (3, h, w), or (1, h, w) where they are grey."""
    from torchvision.transforms import v2

    steps: list[Any] = []
    if size is not None:
        steps.append(v2.Resize((size, size) if isinstance(size, int) else size))
    look = v2.Compose([*steps, v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])

    def channels(picture: Any) -> Tensor:
        if picture.mode == "F":
            tensor: Tensor = look(picture).expand(1 if grey else 3, -1, -1)
        else:
            tensor = look(v2.functional.to_grayscale(picture) if grey else picture)
        return tensor

    return channels
