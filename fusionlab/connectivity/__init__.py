"""Two points: a path between them. Several: the shape that they span."""

from fusionlab.connectivity.bands import BandFitting, elastic_band
from fusionlab.connectivity.complexes import Complex, connect
from fusionlab.connectivity.curves import Bezier, Chain, Curve
from fusionlab.connectivity.features import FeatureConnectivity, feature_connectivity
from fusionlab.connectivity.fitting import Fit, Fitting, fit
from fusionlab.connectivity.instability import Instability, instability
from fusionlab.connectivity.layers import layers, layerwise_profiles
from fusionlab.connectivity.patches import Patch
from fusionlab.connectivity.paths import Line, Path, points_on
from fusionlab.connectivity.penalties import cosine_penalty, volume, volume_penalty
from fusionlab.connectivity.polylines import Band, Polyline, Saddle
from fusionlab.connectivity.profiles import Profile, profile
from fusionlab.connectivity.simplexes import Simplex
from fusionlab.connectivity.summaries import PathStatistics, Summary, lengths, path_statistics
from fusionlab.connectivity.vertices import Penalty, Shape

__all__ = [
    "Band",
    "BandFitting",
    "Bezier",
    "Chain",
    "Complex",
    "Curve",
    "FeatureConnectivity",
    "Fit",
    "Fitting",
    "Instability",
    "Line",
    "Patch",
    "Path",
    "PathStatistics",
    "Penalty",
    "Polyline",
    "Profile",
    "Saddle",
    "Shape",
    "Simplex",
    "Summary",
    "connect",
    "cosine_penalty",
    "elastic_band",
    "feature_connectivity",
    "fit",
    "instability",
    "layers",
    "layerwise_profiles",
    "lengths",
    "path_statistics",
    "points_on",
    "profile",
    "volume",
    "volume_penalty",
]
