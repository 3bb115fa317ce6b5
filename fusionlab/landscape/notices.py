"""Warnings that point at the reader's line, however deep in the package they arise."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch

INSIDE = (str(Path(__file__).parents[1]), str(Path(torch.__file__).parent))


def notice(words: str) -> None:
    """Warn that something is not as a reader may think, at the first line outside the package."""
    level, frame = 1, sys._getframe()
    while frame.f_code.co_filename.startswith(INSIDE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(words, RuntimeWarning, stacklevel=level)
