"""Two points: a path between them."""

from fusionlab.connectivity.paths import Line, Path
from fusionlab.connectivity.profiles import Profile, profile

__all__ = ["Line", "Path", "Profile", "profile"]
