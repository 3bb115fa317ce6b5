"""Results as pictures: figures are pure functions of results, explorers have controls."""

from fusionlab.show.arrange import arrange, with_slider
from fusionlab.show.figures import draw_bars, draw_points, draw_profiles
from fusionlab.show.interpolation import LineExplorer, explore_line
from fusionlab.show.landscapes import LandscapeExplorer, explore_landscape
from fusionlab.show.live import Fig
from fusionlab.show.page import start
from fusionlab.show.samples import Samples, draw_samples
from fusionlab.show.surfaces import draw_surface
from fusionlab.show.words import mean_sd

__all__ = [
    "Fig",
    "LandscapeExplorer",
    "LineExplorer",
    "Samples",
    "arrange",
    "draw_bars",
    "draw_points",
    "draw_profiles",
    "draw_samples",
    "draw_surface",
    "explore_landscape",
    "explore_line",
    "mean_sd",
    "start",
    "with_slider",
]
