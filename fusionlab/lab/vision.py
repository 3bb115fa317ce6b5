"""The classic image data sets, read by torchvision and downloaded once below the data root."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import torch
from filelock import FileLock
from torch import Tensor

from fusionlab.checkpoints import atomic_write
from fusionlab.data import Data
from fusionlab.descent import bar
from fusionlab.lab.places import data_root
from fusionlab.lab.tasks import Task, TaskCard, task

CHUNK = 1 << 16  # bytes between two moves of the bar
UNREADABLE = (RuntimeError, ValueError, AssertionError, OSError, EOFError)  # torchvision's, all


def mnist(*, n_train: int | None = None, progress: bool = True) -> Task:
    """Handwritten digits, 28 × 28: inputs (n, 1, 28, 28) in [0, 1]; 54000/6000/10000."""
    card = TaskCard(
        "Handwritten digits, 28 × 28 pixels in grey.",
        "LeCun, Cortes and Burges 1998, through torchvision",
        "CC BY-SA 3.0",
        tuple("0123456789"),
    )
    return _vision_task("mnist", "MNIST", card, n_train, progress)


def fashion_mnist(*, n_train: int | None = None, progress: bool = True) -> Task:
    """Pieces of clothing, 28 × 28: inputs (n, 1, 28, 28) in [0, 1]; 54000/6000/10000."""
    names = (
        "t-shirt", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
    card = TaskCard(
        "Pieces of clothing, 28 × 28 pixels in grey.",
        "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, through torchvision",
        "MIT",
        names,
    )
    return _vision_task("fashion_mnist", "FashionMNIST", card, n_train, progress)


def cifar10(*, n_train: int | None = None, progress: bool = True) -> Task:
    """Small colour photographs: inputs (n, 3, 32, 32) in [0, 1]; 45000/5000/10000."""
    names = (
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    card = TaskCard(
        "Photographs of ten kinds of things, 32 × 32 pixels in colour.",
        "Krizhevsky 2009, through torchvision",
        "none stated; for research and teaching",
        names,
    )
    return _vision_task("cifar10", "CIFAR10", card, n_train, progress)


def _vision_task(name: str, kind: str, card: TaskCard, n_train: int | None, progress: bool) -> Task:
    """A fixed random tenth of torchvision's training part becomes val."""
    learn, report = _on_disk_or_downloaded(kind, name, progress)
    images, labels = learn
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    tenth = len(labels) // 10
    parts = (order[tenth:][:n_train], order[:tenth], torch.arange(len(report[1])))
    sources = ((images, labels), (images, labels), report)
    train, val, test = (_scaled(*s, rows) for s, rows in zip(sources, parts, strict=True))
    return task(name, (train, val, test), card)


def _scaled(images: Tensor, labels: Tensor, rows: Tensor) -> Data:
    """Chosen rows of uint8 images (n, h, w) or (n, h, w, 3), as floats (n, channels, h, w)."""
    chosen = images[rows]
    planes = chosen[:, None] if chosen.ndim == 3 else chosen.permute(0, 3, 1, 2)
    return Data(planes.float().div_(255).contiguous(), labels[rows])


def _on_disk_or_downloaded(kind: str, name: str, progress: bool) -> list[tuple[Tensor, Tensor]]:
    """Read both parts of a torchvision data set; download only what is missing."""
    from torchvision import datasets

    source, folder = getattr(datasets, kind), data_root() / "downloads"
    try:
        return _read(source, folder, download=False)
    except UNREADABLE:
        pass  # missing, or cut short: download it below
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):  # another notebook may be downloading it
            _fetch_archives(source, folder, name, progress)
            _discard_unpacked(source, folder)
            return _read(source, folder, download=True)
    except UNREADABLE as error:
        raise ConnectionError(
            f"{name} is not complete on this disk (in {folder}) and could not be downloaded: "
            f"{error}. {_others(source, folder)}Try again with an internet connection, set "
            "FUSIONLAB_DATA to a folder that has it, or use digits(), which needs neither."
        ) from error


def _read(source: Any, folder: Path, *, download: bool) -> list[tuple[Tensor, Tensor]]:
    """Images and labels of both parts; torchvision checks and unpacks if `download`."""
    with redirect_stdout(io.StringIO()):  # some versions print
        parts = [source(folder, train=train, download=download) for train in (True, False)]
    return [(torch.as_tensor(part.data), torch.as_tensor(part.targets)) for part in parts]


class _Archive(NamedTuple):
    """Where an archive is kept, the addresses that have it, and its checksum."""

    path: Path
    addresses: Sequence[str]
    md5: str

    def found(self) -> str | None:
        """The checksum of what is there."""
        if not self.path.is_file():
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(
                file, partial(hashlib.md5, usedforsecurity=False)
            ).hexdigest()


def _archives(source: Any, folder: Path) -> list[_Archive]:
    if not hasattr(source, "resources"):  # CIFAR-10 is one file
        return [_Archive(folder / source.filename, [source.url], source.tgz_md5)]
    raw = folder / source.__name__ / "raw"
    return [
        _Archive(raw / file, [mirror + file for mirror in source.mirrors], md5)
        for file, md5 in source.resources
    ]


def _discard_unpacked(source: Any, folder: Path) -> None:
    """Have MNIST's archives unpacked again: torchvision takes any unpacked file as complete."""
    for archive in _archives(source, folder):
        kinds = archive.path.suffixes
        if kinds[-1] == ".gz" and kinds != [".tar", ".gz"] and archive.found() == archive.md5:
            archive.path.with_suffix("").unlink(missing_ok=True)


def _others(source: Any, folder: Path) -> str:
    """A sentence for each archive that is there but is not the published one."""
    return "".join(
        f"{archive.path.name} there has the md5 {found} instead of {archive.md5}: it was cut "
        "short, or packed again. If it is complete, unpack it beside itself; unpacked files are "
        "used as they are. "
        for archive in _archives(source, folder)
        if (found := archive.found()) and found != archive.md5
    )


def _fetch_archives(source: Any, folder: Path, name: str, progress: bool) -> None:
    for archive in _archives(source, folder):
        if archive.found() != archive.md5:
            _fetch(archive.addresses, archive.path, f"downloading {name}", progress)


def _fetch(addresses: Sequence[str], path: Path, what: str, progress: bool) -> None:
    """Download from the first address that answers."""
    *mirrors, last = addresses
    for address in mirrors:
        with suppress(OSError):
            _download(address, path, what, progress)
            return
    _download(last, path, what, progress)


def _download(address: str, path: Path, what: str, progress: bool) -> None:
    """Download one file, completely or not at all."""
    request = Request(address, headers={"User-Agent": "fusionlab"})
    with urlopen(request, timeout=30) as answer, atomic_write(path) as temporary:
        size = int(answer.headers.get("Content-Length") or 0) or None
        with bar(size, what, progress=progress, unit="B") as moved, temporary.open("wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                moved.update(len(chunk))
