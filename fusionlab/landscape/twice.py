"""Operations of which torch has no second derivative, in words for who wants a Hessian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

MISSING = re.compile(r"derivative for aten::(\w+?)(?:_backward)? is not implemented")
SAME = {"hardsigmoid": "relu6(x + 3) / 6"}  # what has a second derivative and is the same function


@contextmanager
def twice_differentiable(module: nn.Module) -> Iterator[None]:
    """A block of second derivatives of `module`; where torch lacks one, the error says of what.

    Raises:
        NotImplementedError: names the operation, the layers that are it, and a way out.
    """
    try:
        yield
    except RuntimeError as error:
        if not (found := MISSING.search(str(error))):
            raise
        raise NotImplementedError(_words(found[1], module)) from error


def _words(operation: str, module: nn.Module) -> str:
    plain = operation.replace("_", "")
    layers = [n for n, layer in module.named_modules() if type(layer).__name__.lower() == plain]
    more = f" and {len(layers) - 3} more" if len(layers) > 3 else ""
    where = f"the layers {', '.join(layers[:3])}{more}" if layers else "a forward of this network"
    same = SAME.get(plain)
    instead = f"{same}, which is the same function" if same else "operations that have one"
    return (
        f"torch has no second derivative of {operation}, used in {where}: without it there "
        f"is no Hessian. Have these compute {instead}, in a copy of the network: the weights fit "
        "it as they are. The loss, its gradient and all pictures of it work without."
    )
