"""Two points: a path between them. Several: the shape that they span."""

from fusionlab.connectivity.curves import Bezier, Chain, Curve
from fusionlab.connectivity.features import FeatureConnectivity, feature_connectivity
from fusionlab.connectivity.fitting import Fit, Fitting, fit
from fusionlab.connectivity.instability import Instability, instability
from fusionlab.connectivity.layers import layers, layerwise_profiles
from fusionlab.connectivity.paths import Line, Path, points_on
from fusionlab.connectivity.profiles import Profile, profile
from fusionlab.connectivity.simplexes import Simplex
from fusionlab.connectivity.spans import Penalty, Shape

__all__ = [
    "Bezier",
    "Chain",
    "Curve",
    "FeatureConnectivity",
    "Fit",
    "Fitting",
    "Instability",
    "Line",
    "Path",
    "Penalty",
    "Profile",
    "Shape",
    "Simplex",
    "feature_connectivity",
    "fit",
    "instability",
    "layers",
    "layerwise_profiles",
    "points_on",
    "profile",
]
