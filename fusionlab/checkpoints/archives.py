"""The zip archives of torch.save, whose checksums torch itself does not check."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fusionlab.checkpoints.files import CheckpointError

FOLDER = 0x10  # the bit of a zip entry's attributes by which torch takes it for a folder


def check_zip(path: Path) -> None:
    """Raise a CheckpointError unless a zip archive is complete and comes from torch.save."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            # torch.save has a setting without checksums: then all of them are 0.
            damaged = archive.testzip() if any(entry.CRC for entry in entries) else None
            damaged = next((e.filename for e in entries if _misleads(e)), damaged)
    except Exception as error:
        raise CheckpointError(
            f"{path} cannot be read as plain tensors: it is a zip archive, as torch.save writes "
            "it, "
            f"but cut short or damaged ({error}). Copy or save it again."
        ) from error
    if damaged:
        raise CheckpointError(
            f"{path} is damaged: the content of {damaged!r} in it does not match its checksum. "
            "Copy or save it again."
        )
    names = [entry.filename for entry in entries]
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(
            f"{path} is a program of torch.jit, and no code in a file is executed. If you trust "
            "it, "
            "save its weights only: torch.save(torch.jit.load(path).state_dict(), 'new.pt')."
        )
    if not any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        arrays = bool(names) and all(name.endswith(".npy") for name in names)
        what = "a file of NumPy arrays (.npz)" if arrays else f"a zip archive of {names[:3]}"
        raise CheckpointError(
            f"{path} is {what}, not a file of torch.save. Save the tensors by name: "
            "torch.save(model.state_dict(), path)."
        )


def _misleads(entry: zipfile.ZipInfo) -> bool:
    """Whether torch reads an entry differently from zipfile, which has checked it."""
    folder = bool(entry.external_attr & FOLDER) and entry.file_size > 0
    stored = entry.compress_type == zipfile.ZIP_STORED
    return folder or (stored and entry.compress_size != entry.file_size)
