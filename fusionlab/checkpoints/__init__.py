"""Points of weight space on disk: files of fusionlab, and files of other tools."""

from fusionlab.checkpoints.files import CheckpointError, atomic_write
from fusionlab.checkpoints.points import Checkpoint, load, save

__all__ = ["Checkpoint", "CheckpointError", "atomic_write", "load", "save"]
