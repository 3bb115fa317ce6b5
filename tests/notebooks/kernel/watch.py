"""Imported in the kernel before a notebook runs: unplugs the network, lets no failure go unseen."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import traceback
from typing import Any

unseen: list[str] = []  # failures that a notebook would not show: in threads, in tasks

_connect, _look_up = socket.socket.connect, socket.getaddrinfo


def _is_here(host: Any) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_here(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
        raise OSError(f"the network is unplugged: {address[0]} was asked for")
    _connect(self, address)


def _look_up_here(host: Any, *args: Any, **kwargs: Any) -> Any:
    if not _is_here(host):
        raise socket.gaierror(f"the network is unplugged: {host} was asked for")
    return _look_up(host, *args, **kwargs)


def _note_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    unseen.append(f"thread {name}: {last_line(args.exc_value)}")


class _NoteTask(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        unseen.append(f"task: {record.getMessage().splitlines()[0]} {last_line(error)}")


def last_line(error: BaseException | None) -> str:
    """An exception in one line, with the place it came from."""
    if error is None:
        return ""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({place[0].filename}:{place[0].lineno})" if place else ""
    return f"{type(error).__name__}: {error}{where}"


socket.socket.connect = _connect_here  # type: ignore[method-assign]
socket.getaddrinfo = _look_up_here
threading.excepthook = _note_thread
logging.getLogger("asyncio").addHandler(_NoteTask(logging.ERROR))
