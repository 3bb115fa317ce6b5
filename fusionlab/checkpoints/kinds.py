"""What a file is, by its first bytes and not by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fusionlab.checkpoints.files import CheckpointError

Format = Literal["safetensors", "zip", "pickle", "index"]

HEAD = 512  # bytes that show what a file is: the length of a tar archive's first header
LONGEST_HEADER = 100_000_000  # bytes; safetensors allows no more
PICKLE_MAGIC = (
    b"l\xfc\x9cF\xf9 j\xa8P\x19"  # with this number torch.save began before its zip files
)
TAR_MEMBERS = (b"sys_info", b"pickle", b"storages", b"tensors")  # of PyTorch 0.1
FOREIGN = {
    b"version https://git-lfs": "a Git LFS pointer instead of the file itself: run `git lfs pull`",
    b"\x93NUMPY": "an array of NumPy (.npy), not tensors by name",
    b"\x1f\x8b": "compressed by gzip: unpack it, and give the file inside",
    b"BZh": "compressed by bzip2: unpack it, and give the file inside",
    b"\xfd7zXZ": "compressed by xz: unpack it, and give the file inside",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, and give the file inside",
    b"\x89HDF": "an HDF5 file (Keras), not a file of PyTorch",
    b"GGUF": "a GGUF file (llama.cpp), not a file of PyTorch",
    b"<": "a page of HTML or XML, perhaps an error or a login: download the file itself",
}


def recognise(path: Path) -> Format:
    """The format of a file, by its content and not by its name.

    Raises:
        CheckpointError: if it is not a file of tensors; the error says what it is.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise CheckpointError(
            f"{path} is empty (0 bytes): it was cut short while it was written or copied. Copy or "
            "save it again."
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= LONGEST_HEADER:
        return "safetensors"
    if head.startswith(b"PK"):
        return "zip"
    if PICKLE_MAGIC in head[:32]:
        return "pickle"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{") and b'"weight_map"' in path.read_bytes():
        return "index"
    raise CheckpointError(f"{path} is {_what(head, text)}.")


def _what(head: bytes, text: bytes) -> str:
    """What a file is that we cannot read."""
    if head[257:262] == b"ustar":
        if head[:100].rstrip(b"\0") in TAR_MEMBERS:
            return (
                "in the tar format of PyTorch 0.1, which is not supported. If you trust it, load "
                "it "
                "with torch.load(path, weights_only=False), and torch.save(state_dict, 'new.pt')"
            )
        return "a tar archive: unpack it, and give the file inside"
    if head.startswith(b"\x80"):
        return (
            "a pickle that torch.save did not write, and no code in a file is executed. If you "
            "trust it, load it with `pickle` or `joblib`, and torch.save(model.state_dict(), path)"
        )
    if words := next((words for magic, words in FOREIGN.items() if text.startswith(magic)), ""):
        return words
    shown = text[:40].decode("ascii", errors="replace")
    if text and all(mark.isascii() and (mark.isprintable() or mark.isspace()) for mark in shown):
        return f"a text that begins with {shown!r}, not a file of tensors: download it again"
    return (
        f"neither a file of torch.save nor of safetensors (it begins with {head[:8].hex(' ')}): it "
        "is cut short, damaged or another kind of file. Copy it again, or save model.state_dict()"
    )
