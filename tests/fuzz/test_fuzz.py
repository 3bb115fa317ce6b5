"""Random networks are scored as the plain loop scores them, and nothing of the reader's changes."""

import warnings

import pytest

from fusionlab.threads import threads
from tests.fuzz.checks import POLICIES, check
from tests.fuzz.modules import cases, kinds


@pytest.fixture(autouse=True)
def _one_thread():
    with threads(1):
        yield


@pytest.mark.parametrize("kind", kinds())
def test_a_random_network_is_scored_as_the_plain_loop_does(kind):
    seed = kinds().index(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # old hooks of torch
        found = check(cases(kind, seed), POLICIES[seed % 3])
    assert not found.damaged, str(found)
    assert not found.wrong or found.distrusted, str(found)
