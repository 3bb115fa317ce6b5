"""The landscape explorer: the loss over planes, runs played on them, slices."""
