"""Killed at any moment, the zoo loses nothing that was whole and reads nothing that is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_zoo_killed_many_times_is_whole_at_every_moment_and_complete_at_the_end(own_root):
    script = Path(__file__).with_name("killed.py")
    answer = subprocess.run(
        [sys.executable, str(script), str(KILLS), "0"], capture_output=True, text=True, check=True
    )
    report = json.loads(answer.stdout)
    assert len(report["files after each kill"]) == KILLS
    assert report["broken"] == []
    assert report["lost"] == []
    assert report["finished"]
    assert report["same"]
    assert report["files"] == 6
    assert report["leftovers"] == 0
    assert len(set(report["files after each kill"])) > 1  # kills came early and late
