"""Results as figures: pure functions, which compute nothing."""
