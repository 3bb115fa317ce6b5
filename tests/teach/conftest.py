"""What a front end would be sent."""

import pytest

from fusionlab.teach import cards


@pytest.fixture
def displayed(monkeypatch):
    """A function: a card → the bundles sent when it ends a cell."""

    def show(card):
        sent = []
        monkeypatch.setattr(cards, "display", lambda bundle, raw: sent.append(bundle))
        card._ipython_display_()
        return sent

    return show
