"""Figures with controls: explorers, and the threads in which they work."""
