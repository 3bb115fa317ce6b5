"""The reader's own data: folders of images, data sets, loaders and tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fusionlab.data import Data
from fusionlab.lab.tasks import Task

Transform = Callable[[Any], Tensor]

SPLITS = ("train", "val", "test")
NAMED_ROWS = 3  # of those at fault, so many are named


def image_folder(
    path: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    most: int | None = None,
    transform: Transform | None = None,
    seed: int = 0,
) -> Task:
    """Read a folder of images, one subfolder per class, by torchvision's `ImageFolder`.

    Folders `train`, `val` and `test` inside it, each with the classes, are kept as they are; a
    part that is missing is a fifth of train, drawn by `seed`.

    Args:
        path: the folder.
        size: (height, width) or the side of a square; else the images must be alike.
        grey: one channel instead of three.
        most: at most so many images of each part, each class by its share.
        transform: image ↦ tensor, instead of all that: as the network saw them in training.
        seed: draws the parts.

    Raises:
        ValueError: if there are no images, or they differ in size.
        FileNotFoundError: if there is no such folder.
    """
    path, look = Path(path), transform or _as_tensor(size, grey=grey)
    parts = [part for part in SPLITS if (path / part).is_dir()]
    folders = {part: path / part for part in parts} if "train" in parts else {"train": path}
    read = {part: _read_folder(folder, look, most, seed) for part, folder in folders.items()}
    names = read["train"][1]
    for part, (_, own) in read.items():
        if own != names:
            raise ValueError(
                f"{path / part} has the classes {', '.join(own)}, train has {', '.join(names)}: "
                "labels would mean different things. Give each part the same folders."
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
    """Read labelled data of any kind: tensors, a `Dataset`, a `DataLoader`, a folder of images.

    Args:
        source: (inputs, labels), a data set of such pairs, a loader of one, or a folder's path.
        size: of a folder's images, as for `image_folder`.
        most: rows drawn by `seed`; of a data set no others are read.
        transform: of a folder's images to tensors.
        seed: draws the rows.
    """
    if isinstance(source, str | Path):
        look = transform or _as_tensor(size, grey=False)
        return _read_folder(Path(source), look, most, seed)[0]
    if isinstance(source, torch.utils.data.DataLoader):
        source = source.dataset
    if isinstance(source, torch.utils.data.IterableDataset):
        raise TypeError(
            "this data set can only be walked through, not looked up by number: read some rows "
            "yourself, and give them as a pair (inputs, labels)."
        )
    if isinstance(source, Data) or (isinstance(source, Sequence) and len(source) == 2):
        data = Data.of(source)
        return data if most is None else data.sample(most, seed=seed)
    return _stack(source, _draw(len(source), most, seed))


def _read_folder(
    folder: Path, look: Transform, most: int | None, seed: int
) -> tuple[Data, tuple[str, ...]]:
    """Images and the names of their classes."""
    from torchvision.datasets import ImageFolder

    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: check its name")
    try:
        images = ImageFolder(folder, transform=look)
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder} cannot be read as classes of images: {str(error).splitlines()[0]}. Put the "
            "images into one subfolder per class, such as cats/1.png and dogs/2.png."
        ) from error
    labels = torch.tensor(images.targets)
    rows = torch.arange(len(labels))
    if most is not None and most < len(labels):
        rows = Data(rows[:, None], labels).sample(most, seed=seed).inputs[:, 0]
    return _stack(images, rows.tolist(), lambda i: images.samples[i][0]), tuple(images.classes)


def _as_tensor(size: int | tuple[int, int] | None, *, grey: bool) -> Transform:
    from torchvision.transforms import v2

    steps: list[Any] = [v2.Grayscale(1)] if grey else []
    if size is not None:
        steps.append(v2.Resize((size, size) if isinstance(size, int) else size))
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose(steps)  # type: ignore[no-any-return]


def _draw(n: int, most: int | None, seed: int) -> list[int]:
    if n == 0:
        raise ValueError("this data set has no rows: there is nothing to measure on.")
    dice = torch.Generator().manual_seed(seed)
    everything = torch.arange(n)
    return (everything if most is None else torch.randperm(n, generator=dice)[:most]).tolist()


def _stack(source: Any, rows: list[int], name: Callable[[int], str] = "row {}".format) -> Data:
    """Rows of a data set, as one block of tensors."""
    inputs, labels = [], []
    for row in rows:
        try:
            one, label = source[row][:2]
        except OSError as error:  # pillow's, for a picture that is cut short
            raise ValueError(f"{name(row)} cannot be read ({error}): mend or remove it.") from error
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(
                f"{name(row)} is no pair of an input and a label ({error}): the data set must give "
                "(input, label)."
            ) from error
        inputs.append(torch.as_tensor(one))
        labels.append(int(label))
    odd = [i for i, one in enumerate(inputs) if one.shape != inputs[0].shape]
    if odd:
        named = "; ".join(f"{name(rows[i])} is {tuple(inputs[i].shape)}" for i in odd[:NAMED_ROWS])
        raise ValueError(
            f"{len(odd)} of {len(inputs)} inputs are not {tuple(inputs[0].shape)} as the first is: "
            f"{named}. A network takes one shape: give size=(height, width), or a transform."
        )
    return Data(torch.stack(inputs), torch.tensor(labels))
