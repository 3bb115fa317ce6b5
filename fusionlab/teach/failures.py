"""Failures on purpose: run what goes wrong, read the error, and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.display import display

from fusionlab.teach.cards import VERMILLION, framed


@contextmanager
def goes_wrong() -> Iterator[None]:
    """Run a block that is meant to fail, and show its error without stopping.

    Raises:
        AssertionError: if the block does not fail, because then the text around it is wrong.
    """
    try:
        yield
    except Exception as error:  # any failure is the lesson
        words = f"{type(error).__name__}: {error}"
        display({"text/html": framed(words, VERMILLION), "text/plain": words}, raw=True)
        return
    raise AssertionError(
        "this block was meant to fail but did not: was the cause repaired? Change the text."
    )
