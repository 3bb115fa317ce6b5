"""Warnings that point at the reader's line, however deep in the package they arise."""

from __future__ import annotations

import functools
import sys
import warnings
from pathlib import Path

import torch

# Properties that are computed once are called from functools.
INSIDE = (str(Path(__file__).parents[1]), str(Path(torch.__file__).parent), functools.__file__)


def notice(words: str) -> None:
    """Warn that something is not as a reader may think, at the first line outside the package."""
    level, frame = 1, sys._getframe()
    while frame.f_code.co_filename.startswith(INSIDE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(words, RuntimeWarning, stacklevel=level)
