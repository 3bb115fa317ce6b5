"""Settings as code: the call that gives an explorer, with the arguments that were really given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from inspect import Parameter, signature
from typing import Any

from fusionlab.landscape import measures_of
from fusionlab.show.explore.scored import by_name
from fusionlab.show.figures.measures import tell_measures

WIDE = 96  # characters of a call in one line


class Call:
    """A call of `show` as it was given: short values are written out, others by their names.

    Args:
        function: what was called.
        given: the values of its arguments; those that equal their default are not written.
    """

    def __init__(self, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        self._function, self._given = function, given

    def write(self, settings: Mapping[str, str], unused: Collection[str] = ()) -> str:
        """The call, with these arguments in place of those that were given, without the unused."""
        arguments = []
        for name, parameter in signature(self._function).parameters.items():
            value = self._given.get(name)
            if name in {*settings, *unused} or parameter.kind is Parameter.VAR_KEYWORD:
                continue
            if parameter.default is Parameter.empty:
                arguments.append(name)
            elif not _same(value, parameter.default):
                arguments.append(f"{name}={value!r}" if _short(value) else f"{name}={name}")
        arguments += [f"{name}={value}" for name, value in settings.items()]
        call = f"show.{self._function.__name__}"
        line = f"{call}({', '.join(arguments)})"
        return line if len(line) <= WIDE else f"{call}(\n{_lines(arguments)})"

    def network(self, written: str) -> str:
        """Two lines: the chosen network, and what it scores on the first landscape."""
        chosen, landscape = f"theta = {written}  # the chosen network\n", self._given["landscape"]
        if landscape is None:
            return chosen
        first, on = next(iter(by_name(landscape).items()))
        index = f"[{first!r}]" if isinstance(landscape, Mapping) else ""
        return f"{chosen}landscape{index}(theta)  # its {tell_measures(measures_of(on))}\n"


def _lines(arguments: Iterable[str]) -> str:
    lines = [""]
    for argument in arguments:
        if len(lines[-1]) + len(argument) > WIDE:
            lines.append("")
        lines[-1] += f"{argument}, "
    return "".join(f"    {line.rstrip()}\n" for line in lines)


def _same(value: Any, default: Any) -> bool:
    return value is default or (_short(value) and bool(value == default))


def _short(value: Any) -> bool:
    """Whether a value is best written out: numbers, texts, and rows of these."""
    if isinstance(value, (list, tuple)):
        return all(map(_short, value))
    return isinstance(value, (str, int, float))
