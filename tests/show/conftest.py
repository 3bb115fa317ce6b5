"""A recorder of what explorers send to the page, where there is no page."""

import comm
import pytest


@pytest.fixture
def sent(monkeypatch):
    """The messages of the widgets made in this test, as (method, data)."""
    messages = []

    class Recorder(comm.base_comm.BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            messages.append(((data or {}).get("method", msg_type), data or {}))

    monkeypatch.setattr(comm, "create_comm", Recorder)
    monkeypatch.setattr("fusionlab.show.page.html._loader", [])
    return messages
