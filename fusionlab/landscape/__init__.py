"""The loss over weight space, and maps of it."""

from fusionlab.landscape.curvature import Eigenpairs, eigenpairs, eigenplane
from fusionlab.landscape.densities import Density, spectral_density
from fusionlab.landscape.directions import filter_normalise, random_direction
from fusionlab.landscape.ensembles import ensemble_probabilities, ensemble_score
from fusionlab.landscape.evaluation import Landscape
from fusionlab.landscape.fields import GradientField, gradient_field
from fusionlab.landscape.hessians import Curved, Hessian
from fusionlab.landscape.pictures import picture_plane
from fusionlab.landscape.planes import Bounds, Plane, centred_products
from fusionlab.landscape.ranges import loss_range
from fusionlab.landscape.recalibration import recalibrate
from fusionlab.landscape.sharpness import Flatness, Sharpness, flatness, sharpness
from fusionlab.landscape.stopping import Stopped, stops_when
from fusionlab.landscape.surveys import Surface, Survey, survey
from fusionlab.landscape.traces import Trace, trace
from fusionlab.landscape.trajectories import (
    Components,
    ProjectedRun,
    TrajectoryPlane,
    principal_components,
    project_run,
    trajectory_plane,
)
from fusionlab.scores import Score, ScoreFunction, Scores, Sloped, measures_of, score_all
from fusionlab.weights import shaped

__all__ = [
    "Bounds",
    "Components",
    "Curved",
    "Density",
    "Eigenpairs",
    "Flatness",
    "GradientField",
    "Hessian",
    "Landscape",
    "Plane",
    "ProjectedRun",
    "Score",
    "ScoreFunction",
    "Scores",
    "Sharpness",
    "Sloped",
    "Stopped",
    "Surface",
    "Survey",
    "Trace",
    "TrajectoryPlane",
    "centred_products",
    "eigenpairs",
    "eigenplane",
    "ensemble_probabilities",
    "ensemble_score",
    "filter_normalise",
    "flatness",
    "gradient_field",
    "loss_range",
    "measures_of",
    "picture_plane",
    "principal_components",
    "project_run",
    "random_direction",
    "recalibrate",
    "score_all",
    "shaped",
    "sharpness",
    "spectral_density",
    "stops_when",
    "survey",
    "trace",
    "trajectory_plane",
]
