"""Two points: a path between them."""

from fusionlab.connectivity.paths import Line, Path, points_on
from fusionlab.connectivity.profiles import Profile, profile

__all__ = ["Line", "Path", "Profile", "points_on", "profile"]
