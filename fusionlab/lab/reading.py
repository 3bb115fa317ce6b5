"""The reader's own data: folders of images, data sets, loaders and tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from fusionlab.data import Data
from fusionlab.lab.image_folders import Transform, read_pictures, visible_folders
from fusionlab.lab.tasks import SPLITS, Task
from fusionlab.rows import is_numbered, read_numbered, refuse
from fusionlab.streams import Stream

NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}


def image_folder(
    path: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    most: int | None = None,
    transform: Transform | None = None,
    seed: int = 0,
) -> Task:
    """Read a folder of images, one subfolder per class.

    Folders `train`, `val` and `test` inside it, each with the classes, are used as they are; the
    names training, valid, validation, dev and testing are also known. A missing part is a fifth of
    train, drawn by `seed`. Hidden files and folders are ignored. Pictures are turned upright by
    their camera's note; grey ones of 16 bits are scaled to [0, 1] like all others, and a transform
    gets them in 8 bits.

    Args:
        path: the folder.
        size: (height, width) or the side of a square; without it, all images must have one size.
        grey: one channel instead of three.
        most: the largest number of images in each part; the shares of the classes are kept.
        transform: image ↦ tensor, instead of all this: the one that was used in training.
        seed: draws the parts.

    Raises:
        ValueError: if there are no images, they differ in size, or the parts are not clear.
        FileNotFoundError: if there is no such folder.
    """
    path = Path(path)
    folders = _parts(path) or {"train": path}
    if "train" not in folders:
        raise ValueError(
            f"{path} has {_listed(folders)}, but no folder train: give the training images that "
            "name."
        )
    read = {
        part: read_pictures(folder, size=size, grey=grey, most=most, transform=transform, seed=seed)
        for part, folder in folders.items()
    }
    names = read["train"][1]
    for part, (_, own) in read.items():
        if own != names:
            raise ValueError(
                f"{folders[part]} has the classes {', '.join(own)}, train has {', '.join(names)}: "
                "a label would mean different classes. Give each part the same folders."
            )
    train, val, test = (read[part][0] if part in read else None for part in SPLITS)
    return Task.of(train, val, test, name=path.name, classes=names, seed=seed)


def read_data(
    source: Any,
    *,
    size: int | tuple[int, int] | None = None,
    most: int | None = None,
    transform: Transform | None = None,
    seed: int = 0,
) -> Data:
    """Read labelled data of any kind: tensors, a data set, a loader, a folder of images.

    Args:
        source: what `Data.of` takes, or the path of a folder with one subfolder per class.
        size: of a folder's images, as for `image_folder`.
        most: the number of rows, drawn by `seed`; of a data set, only these are read.
        transform: of a folder's images to tensors.
        seed: draws the rows.

    Raises:
        TypeError, ValueError: if it cannot be read as inputs with targets.
    """
    if most is not None and most < 1:
        raise ValueError(f"most={most} leaves no rows: give at least 1.")
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir() and (parts := _parts(path)):
            part = next(iter(parts.values()))
            raise ValueError(
                f"{path} has {_listed(parts)}: give one of them, such as {str(part)!r}, or read "
                "all of them with image_folder."
            )
        return read_pictures(
            path, size=size, grey=False, most=most, transform=transform, seed=seed
        )[0]
    if size is not None or transform is not None:
        raise ValueError(
            "size and transform are for a folder of images. Apply them in the data set itself."
        )
    return Data.of(source) if most is None else _draw(source, most, seed)


def _draw(source: Any, most: int, seed: int) -> Data:
    """`most` rows; of a loader or a stream, no more are held at once."""
    refuse(source)
    if isinstance(source, Data) or not is_numbered(source):
        walked = isinstance(source, DataLoader | IterableDataset)
        return (Stream(source) if walked else Data.of(source)).sample(most, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    return Data(
        *read_numbered(source, torch.randperm(len(source), generator=generator)[:most].tolist())
    )


def _parts(path: Path) -> dict[str, Path]:
    """The folders of train, val and test in a folder, if it has them.

    Raises:
        ValueError: if a folder beside them is not a part, or two belong to one part.
    """
    if not path.is_dir():
        return {}
    known = {name: part for part, names in NAMES.items() for name in names}
    folders = visible_folders(path)
    divided = [name for name in folders if name.lower() in known and visible_folders(path / name)]
    if not divided:
        return {}
    parts: dict[str, Path] = {}
    for name in folders:
        part = known.get(name.lower())
        if part is None:
            raise ValueError(
                f"{path} has {_listed(divided)}, and beside them {name!r}, which is not a part: "
                "move "
                "it away, or name it train, val or test."
            )
        if part in parts:
            raise ValueError(
                f"{path} has {parts[part].name!r} and {name!r}, which both mean {part}: keep only "
                "one."
            )
        parts[part] = path / name
    return {part: parts[part] for part in SPLITS if part in parts}


def _listed(names: Any) -> str:
    return " and ".join(map(repr, names))
