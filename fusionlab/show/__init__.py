"""Results as pictures: figures are pure functions of results, explorers have controls."""

from fusionlab.show.explore.curves.curve_explorer import CurveExplorer, explore_curves
from fusionlab.show.explore.function import FunctionExplorer, explore_function
from fusionlab.show.explore.landscape.landscape_explorer import (
    LandscapeExplorer,
    explore_landscape,
)
from fusionlab.show.explore.line import LineExplorer, explore_line
from fusionlab.show.explore.simplex import SubspaceExplorer, explore_subspace
from fusionlab.show.explore.soup import SoupExplorer, explore_soup
from fusionlab.show.figures.bars import draw_bars, draw_points
from fusionlab.show.figures.checkpoint_plots import draw_components, draw_projected_run
from fusionlab.show.figures.layout import arrange, with_slider
from fusionlab.show.figures.path_maps import draw_paths
from fusionlab.show.figures.plotted_runs import PlottedRun
from fusionlab.show.figures.profile_plots import draw_profiles
from fusionlab.show.figures.samples import Samples, draw_samples
from fusionlab.show.figures.spectra import draw_density, draw_eigenvalues, draw_gradient_field
from fusionlab.show.figures.surfaces import draw_surface, draw_surfaces
from fusionlab.show.figures.words import mean_sd
from fusionlab.show.page.fig import Fig
from fusionlab.show.page.html import start

__all__ = [
    "CurveExplorer",
    "Fig",
    "FunctionExplorer",
    "LandscapeExplorer",
    "LineExplorer",
    "PlottedRun",
    "Samples",
    "SoupExplorer",
    "SubspaceExplorer",
    "arrange",
    "draw_bars",
    "draw_components",
    "draw_density",
    "draw_eigenvalues",
    "draw_gradient_field",
    "draw_paths",
    "draw_points",
    "draw_profiles",
    "draw_projected_run",
    "draw_samples",
    "draw_surface",
    "draw_surfaces",
    "explore_curves",
    "explore_function",
    "explore_landscape",
    "explore_line",
    "explore_soup",
    "explore_subspace",
    "mean_sd",
    "start",
    "with_slider",
]
