"""What every test may rely on: one thread, a data folder of its own, and Ctrl-C that is heard."""

import os
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy computer is no fault
settings.load_profile("untimed")

pytest_plugins = ["tests.pace"]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Unless OMP_NUM_THREADS says otherwise, for kernels too; results do not depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def heard_interrupts():
    """Ctrl-C as Python has it, also in tests that a shell began in the background.

    Such a shell has its children ignore interrupts, and theirs too, so that Python leaves them
    ignored. Processes that a test begins inherit what this fixture restores.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def this_clone():
    """Processes that a test begins import this folder's package, not one installed elsewhere."""
    path = [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path))
        yield


@pytest.fixture(scope="session", autouse=True)
def data_root(tmp_path_factory) -> Path:
    """An empty FUSIONLAB_DATA, shared by the workers of one parallel run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = shared / "data"
    root.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSIONLAB_DATA", str(root))
        yield root


@pytest.fixture(scope="session")
def missing():
    """Skip for want of a tool, saying how to get it; where FUSIONLAB_CI is 1, fail instead."""

    def complain(words: str):
        if os.environ.get("FUSIONLAB_CI") == "1":
            pytest.fail(words)
        pytest.skip(words)

    return complain
