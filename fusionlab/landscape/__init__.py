"""The loss over weight space, and maps of it."""

from fusionlab.landscape.directions import filter_normalise, random_direction
from fusionlab.landscape.evaluation import Field, Landscape, Score, Scores, score_all
from fusionlab.landscape.planes import Bounds, Plane
from fusionlab.landscape.statistics import recalibrate
from fusionlab.landscape.surveys import Surface, Survey, survey

__all__ = [
    "Bounds",
    "Field",
    "Landscape",
    "Plane",
    "Score",
    "Scores",
    "Surface",
    "Survey",
    "filter_normalise",
    "random_direction",
    "recalibrate",
    "score_all",
    "survey",
]
