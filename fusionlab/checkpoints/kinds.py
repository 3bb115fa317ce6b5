"""What a file is, told by its first bytes, whatever its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fusionlab.checkpoints.files import CheckpointError

Format = Literal["safetensors", "zip", "pickle", "index"]

HEAD = 512  # bytes that tell what a file is: the length of a tar archive's first header
LONGEST_HEADER = 100_000_000  # bytes; safetensors allows no more
PICKLE_MAGIC = (
    b"l\xfc\x9cF\xf9 j\xa8P\x19"  # with this number torch.save began before its zip files
)
TAR_MEMBERS = (b"sys_info", b"pickle", b"storages", b"tensors")  # of PyTorch 0.1
FOREIGN = {
    b"version https://git-lfs": "a Git LFS pointer in place of the file itself: run `git lfs pull`",
    b"\x93NUMPY": "an array of NumPy (.npy), not tensors by name",
    b"\x1f\x8b": "compressed by gzip: unpack it, and give the file inside",
    b"BZh": "compressed by bzip2: unpack it, and give the file inside",
    b"\xfd7zXZ": "compressed by xz: unpack it, and give the file inside",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, and give the file inside",
    b"\x89HDF": "an HDF5 file, as Keras writes them, not one of PyTorch",
    b"GGUF": "a GGUF file of llama.cpp, not one of PyTorch",
    b"<": "a page of HTML or XML, perhaps an error or a login: download the file itself",
}


def recognise(path: Path) -> Format:
    """Tell the format of a file by its content; its name does not count.

    Raises:
        CheckpointError: if it is of no format that holds tensors; it says what the file is.
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
    """What a file is that is of no format of ours."""
    if head[257:262] == b"ustar":
        if head[:100].rstrip(b"\0") in TAR_MEMBERS:
            return (
                "in the tar format of PyTorch 0.1, which is read no more: load it where you trust "
                "it, by torch.load(path, weights_only=False), and torch.save(state_dict, 'new.pt')"
            )
        return "a tar archive: unpack it, and give the file inside"
    if head.startswith(b"\x80"):
        return (
            "a pickle that torch.save did not write, and no code in a file is executed. Where you "
            "trust it, load it by `pickle` or `joblib` and torch.save(model.state_dict(), path)"
        )
    if words := next((words for magic, words in FOREIGN.items() if text.startswith(magic)), ""):
        return words
    shown = text[:40].decode("ascii", errors="replace")
    if text and all(mark.isascii() and (mark.isprintable() or mark.isspace()) for mark in shown):
        return f"a text that begins with {shown!r}, not a file of tensors: download it anew"
    return (
        f"neither a file of torch.save nor of safetensors (it begins with {head[:8].hex(' ')}): it "
        "is cut short, damaged or of another kind. Copy it again, or torch.save(model.state_dict())"
    )
