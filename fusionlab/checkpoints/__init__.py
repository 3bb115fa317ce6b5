"""Points of weight space on disk: our own files, and files as people have them."""

from fusionlab.checkpoints.files import CheckpointError, atomic_write
from fusionlab.checkpoints.points import Checkpoint, load, save

__all__ = ["Checkpoint", "CheckpointError", "atomic_write", "load", "save"]
