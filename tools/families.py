"""Small pictures of the four families, as SVG that is readable on light and dark pages.

python -m tools.families
"""

from __future__ import annotations

from pathlib import Path

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
WIDTH, HEIGHT = 176, 96
BLUE, ORANGE, GREEN, RED, GREY = "#2f86c8", "#d98200", "#0a9a72", "#d55e00", "#8a8a8a"
ANSWERS = (((2, 9, 30, 6, 3), BLUE), ((4, 22, 20, 5, 9), ORANGE), ((8, 4, 26, 14, 2), RED))


def dot(x: float, y: float, colour: str, name: str = "", *, open_: bool = False) -> str:
    """Draw a network, and its name below it."""
    fill = "none" if open_ else colour
    mark = f'<circle cx="{x}" cy="{y}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
    words = f'<text x="{x}" y="{y + 18}" text-anchor="middle" fill="{colour}">{name}</text>'
    return mark + words if name else mark


def rings(x: float, y: float, sizes: tuple[float, ...], colour: str, *, wide: float = 1.0) -> str:
    """Draw contours around a valley or a hill."""
    return "".join(
        f'<ellipse cx="{x}" cy="{y}" rx="{wide * size}" ry="{size}" fill="{colour}" '
        f'fill-opacity="0.09" stroke="{colour}" stroke-opacity="0.45"/>'
        for size in sizes
    )


def way(path: str, colour: str, *, dashed: bool = False, arrow: bool = False) -> str:
    """Draw a way from place to place."""
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    head = ' marker-end="url(#head)"' if arrow else ""
    width = 1.5 if dashed else 2.5
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}{head}/>'


def bars(x: float, heights: tuple[float, ...], colour: str, *, best: str = "") -> str:
    """Draw the answer of a network to one image: a bar for each class."""
    top = max(heights)
    return "".join(
        f'<rect x="{x + 6 * place}" y="{64 - height}" width="4.5" height="{height}" '
        f'fill="{best if best and height == top else colour}"/>'
        for place, height in enumerate(heights)
    )


def connectivity() -> str:
    """Draw two valleys with a hill between, and a curve around it."""
    valleys = rings(30, 62, (10, 18, 26), BLUE) + rings(146, 62, (10, 18, 26), BLUE)
    hill = rings(88, 66, (8, 15, 22), RED)
    ways = way("M30 62 H146", GREY, dashed=True) + way("M30 62 C44 4 132 4 146 62", GREEN)
    return valleys + hill + ways + dot(30, 62, BLUE, "a") + dot(146, 62, ORANGE, "b")


def alignment() -> str:
    """Draw how b moves from its own valley into that of a."""
    valleys = rings(42, 54, (13, 23, 33), BLUE, wide=1.2) + rings(140, 54, (10, 18, 26), BLUE)
    move = way("M134 49 C116 20 84 22 64 45", GREEN, arrow=True)
    networks = dot(32, 52, BLUE, "a") + dot(140, 54, ORANGE, open_=True) + dot(58, 52, ORANGE, "b")
    return valleys + move + networks


def averaging() -> str:
    """Draw networks in one valley, and their mean in the middle."""
    places = ((52, 34), (122, 30), (136, 62), (84, 78), (42, 62))
    spokes = "".join(way(f"M{x} {y} L88 52", GREY, dashed=True) for x, y in places)
    networks = "".join(dot(x, y, BLUE) for x, y in places)
    return rings(88, 52, (14, 28, 42), BLUE, wide=1.9) + spokes + networks + dot(88, 52, GREEN)


def ensemble() -> str:
    """Draw three answers to one image, and their mean."""
    mean = tuple(round(sum(column) / 3, 1) for column in zip(*(a for a, _ in ANSWERS), strict=True))
    places = (4, 46, 88)
    drawn = "".join(
        bars(x, answer, colour) for x, (answer, colour) in zip(places, ANSWERS, strict=True)
    )
    signs = "".join(f'<text x="{x}" y="58" fill="{GREY}">+</text>' for x in (35, 77))
    equals = way("M121 54 H131", GREY, arrow=True)
    ground = "".join(way(f"M{x} 66 h32", GREY) for x in (*places, 141))
    return drawn + signs + equals + bars(142, mean, GREY, best=GREEN) + ground


def picture(drawing: str) -> str:
    """Give a drawing as a whole SVG."""
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="5" '
        'markerHeight="5" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="context-stroke"/>'
        "</marker></defs>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" '
        f'font-weight="bold">{head}{drawing}</svg>\n'
    )


def main() -> None:
    """Write the four pictures."""
    for draw in (connectivity, alignment, averaging, ensemble):
        (PICTURES / f"{draw.__name__}.svg").write_text(picture(draw()), encoding="utf-8")


if __name__ == "__main__":
    main()
