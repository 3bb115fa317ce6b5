"""Deep model fusion: connect, align, average and ensemble trained networks."""

from fusionlab.data import Data
from fusionlab.streams import Stream
from fusionlab.weights import Weights, combine, lerp, mean, slerp

__version__ = "0.1.0"
__all__ = ["Data", "Stream", "Weights", "combine", "lerp", "mean", "slerp"]
