"""Pictures of letters, drawn from the fonts that matplotlib ships and warped at random."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

FACES = {
    "sans": (
        "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique", "cmss10"
    ),
    "serif": (
        "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic",
        "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta",
        "cmr10", "cmb10",
    ),
    "mono": (
        "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique",
        "DejaVuSansMono-BoldOblique", "cmtt10",
    ),
}  # fmt: skip
CANVAS = 48  # pixels on each side of the master drawing, three times the usual picture
POINTS = 36  # the widest glyph, a bold W, just fits the canvas


def draw_glyphs(
    characters: str,
    labels: Tensor,
    generator: torch.Generator,
    *,
    faces: tuple[str, ...] = tuple(FACES),
    size: int = 16,
    rotation: float = 15.0,
    scale: tuple[float, float] = (1.0, 1.5),
    shear: float = 0.15,
    shift: float = 0.15,
    noise: float = 0.1,
) -> Tensor:
    """Draw one picture for each label, shape (n, 1, size, size); ink is 1, paper 0.

    Args:
        characters: those of label 0, 1, ….
        labels: which character, shape (n,).
        generator: draws fonts, warps and noise.
        faces: the families of fonts, of "sans", "serif", "mono".
        size: pixels on each side.
        rotation: largest angle in degrees, either way.
        scale: lowest and highest magnification; at 1 to 1.5 the glyphs fill the picture.
        shear: largest slant of x by y, either way.
        shift: largest shift either way, as a share of half the picture.
        noise: standard deviation of the normal noise on every pixel.
    """
    fonts = [font for face in faces for font in FACES[face]]
    masters = torch.stack([_master(c, font) for c in characters for font in fonts])
    which = torch.randint(len(fonts), labels.shape, generator=generator)
    warp = _warps(len(labels), generator, rotation=rotation, scale=scale, shear=shear, shift=shift)
    grid = affine_grid(warp, [len(labels), 1, size, size], align_corners=False)
    drawn = grid_sample(masters[labels * len(fonts) + which][:, None], grid, align_corners=False)
    return drawn + noise * torch.randn(drawn.shape, generator=generator)


def _warps(
    n: int,
    generator: torch.Generator,
    *,
    rotation: float,
    scale: tuple[float, float],
    shear: float,
    shift: float,
) -> Tensor:
    """Maps from picture to master coordinates, shape (n, 2, 3)."""
    turn, slant, x, y = 2 * torch.rand(4, n, generator=generator) - 1
    magnification = scale[0] + (scale[1] - scale[0]) * torch.rand(n, generator=generator)
    angle = torch.deg2rad(rotation * turn)
    c, s = angle.cos() / magnification, angle.sin() / magnification
    rows = [torch.stack([c, shear * slant - s, shift * x]), torch.stack([s, c, shift * y])]
    return torch.stack(rows).permute(2, 0, 1)


@cache
def _master(character: str, font: str) -> Tensor:
    """One character in the middle of the canvas, softened, in [0, 1]."""
    import numpy as np
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    file = Path(get_data_path(), "fonts", "ttf", f"{font}.ttf")
    picture = Image.new("L", (CANVAS, CANVAS))
    middle = (CANVAS / 2, CANVAS / 2)
    type_ = ImageFont.truetype(file, POINTS)
    left, top, right, bottom = type_.getbbox(character)
    corner = (middle[0] - (left + right) / 2, middle[1] - (top + bottom) / 2)
    ImageDraw.Draw(picture).text(corner, character, fill=255, font=type_)
    soft = picture.filter(ImageFilter.GaussianBlur(1.2))  # against jagged edges when it shrinks
    return torch.from_numpy(np.asarray(soft, dtype=np.float32) / 255)
