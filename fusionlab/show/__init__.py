"""Results as pictures: figures are pure functions of results, explorers have controls."""

from fusionlab.show.arrange import arrange, with_slider
from fusionlab.show.curves import CurveExplorer, explore_curves
from fusionlab.show.figures import draw_bars, draw_points, draw_profiles
from fusionlab.show.interpolation import LineExplorer, explore_line
from fusionlab.show.landscapes import LandscapeExplorer, explore_landscape
from fusionlab.show.live import Fig
from fusionlab.show.page import start
from fusionlab.show.paths import draw_paths
from fusionlab.show.samples import Samples, draw_samples
from fusionlab.show.spectra import draw_density, draw_eigenvalues, draw_gradient_field
from fusionlab.show.surfaces import draw_surface, draw_surfaces
from fusionlab.show.trails import Trail
from fusionlab.show.trajectories import draw_components, draw_shadows
from fusionlab.show.triangles import SubspaceExplorer, explore_subspace
from fusionlab.show.words import mean_sd

__all__ = [
    "CurveExplorer",
    "Fig",
    "LandscapeExplorer",
    "LineExplorer",
    "Samples",
    "SubspaceExplorer",
    "Trail",
    "arrange",
    "draw_bars",
    "draw_components",
    "draw_density",
    "draw_eigenvalues",
    "draw_gradient_field",
    "draw_paths",
    "draw_points",
    "draw_profiles",
    "draw_samples",
    "draw_shadows",
    "draw_surface",
    "draw_surfaces",
    "explore_curves",
    "explore_landscape",
    "explore_line",
    "explore_subspace",
    "mean_sd",
    "start",
    "with_slider",
]
