"""A handful of inputs, and below each what a network says about it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from math import ceil
from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.show.figures.amounts import numbers
from fusionlab.show.figures.theme import QUIET, RIGHT, WRONG, canvas
from fusionlab.show.figures.words import listed

# One cell of the grid is a unit square, its parts from top to bottom:
_VERDICT, _PICTURE, _BARS, _NAMES = 0.95, (0.47, 0.89), (0.10, 0.43), 0.05
_WIDTH = 0.86
MOST_BARS = 26  # an alphabet; beyond it a bar is thinner than a line
MOST_LETTERS = 15  # below the bars of one sample, in a size that can be read


class Samples:
    """Some inputs with their labels, laid out on a grid; knows where each bar is.

    Args:
        inputs: shape (n, ...); (n, h, w), (n, 1, h, w) and (n, 3, h, w) are drawn as images.
        labels: the right classes, shape (n,).
        classes: names of the classes; numbers where there are none.
        columns: samples in a row.

    Example:
        >>> import torch
        >>> from fusionlab.show import Samples
        >>> cats = Samples(torch.zeros(2, 8, 8), torch.tensor([0, 1]), classes=["cat", "dog"])
        >>> cats.describe(torch.tensor([[0.9, 0.1], [0.6, 0.4]]))
        '1 of 2 samples right; it says cat and cat (is dog).'
    """

    def __init__(
        self,
        inputs: Tensor,
        labels: Tensor,
        *,
        classes: Sequence[str] | None = None,
        columns: int = 4,
    ) -> None:
        self.inputs, self.labels = inputs.detach().cpu(), labels.detach().cpu()
        self.columns = max(1, min(columns, len(inputs)))
        self.rows = max(1, ceil(len(inputs) / self.columns))
        self._classes = classes

    def name(self, label: int) -> str:
        """What a class is called."""
        return str(label) if self._classes is None else str(self._classes[label])

    def corner(self, i: int) -> tuple[int, int]:
        """The lower left corner of sample i's cell."""
        return i % self.columns, self.rows - 1 - i // self.columns

    def bars(self, probabilities: Tensor) -> tuple[list[int], Tensor]:
        """The classes that get a bar, and their probabilities, shape (n, bars).

        Of very many classes only those of the samples shown have one.
        """
        kept = list(range(probabilities.shape[1]))
        if len(kept) > MOST_BARS:
            kept = self.labels.unique().tolist()
        return kept, probabilities[:, kept]

    def patch(self, probabilities: Tensor) -> dict[str, dict[str, Any]]:
        """What changes in the figure when the network says this, shape (n, classes)."""
        probabilities = probabilities.detach().cpu().float().nan_to_num()
        kept, values = self.bars(probabilities)
        said = probabilities.argmax(1)
        right = said == self.labels
        is_said = torch.tensor(kept)[None] == said[:, None]  # (n, bars)
        tint = [[RIGHT if r else WRONG, QUIET] for r in right.tolist()]
        colours = [tint[i][0 if s else 1] for i, row in enumerate(is_said.tolist()) for s in row]
        return {
            "samples:bars": {
                "y": numbers(values.flatten() * (_BARS[1] - _BARS[0])),
                "customdata": numbers(100 * values.flatten()),
                "marker": {"color": colours},
            },
            "samples:verdict": {
                "text": [self._verdict(i, int(s)) for i, s in enumerate(said)],
                "textfont": {"color": [t[0] for t in tint]},
            },
        }

    def describe(self, probabilities: Tensor) -> str:
        """What the network says, in words."""
        said = [self.name(int(i)) for i in probabilities.detach().cpu().nan_to_num().argmax(1)]
        return _describe(said, [self.name(int(i)) for i in self.labels])

    def _verdict(self, i: int, said: int) -> str:
        label = int(self.labels[i])
        if said == label:
            return f"<b>✓ {self.name(said)}</b>"
        return f"<b>✗ {self.name(said)}</b>, is {self.name(label)}"


def class_numbers(targets: Tensor) -> Tensor:
    """The right classes (n,) of what a classifier learns: numbers, truth values, probabilities."""
    if targets.is_floating_point() and targets.ndim > 1 and targets.shape[1] > 1:
        return targets.argmax(1)
    each = targets.reshape(len(targets))
    return (each > 0.5).long() if each.is_floating_point() else each


def draw_samples(samples: Samples, probabilities: Tensor, *, title: str | None = None) -> go.Figure:
    """Samples and class probabilities, shape (n, classes); ✓ and ✗ say which answers are right."""
    title = title or "What the network says"
    description = f"{title}. {samples.describe(probabilities)}"
    figure = canvas(title, description=description, height=110 + 130 * samples.rows)
    kept, _ = samples.bars(probabilities)
    patch = samples.patch(probabilities)
    corners = [samples.corner(i) for i in range(len(samples.labels))]
    thickness = _WIDTH / max(len(kept), 1)
    left = (1 - _WIDTH) / 2
    places = [left + (k + 0.5) * thickness for k in range(len(kept))]
    figure.add_bar(
        x=[x + place for x, _ in corners for place in places],
        base=[y + _BARS[0] for _, y in corners for _ in places],
        width=0.86 * thickness,
        hovertext=[samples.name(k) for _ in corners for k in kept],
        hovertemplate="%{hovertext}: %{customdata:.0f} %<extra></extra>",
        meta="samples:bars",
        **patch["samples:bars"],
    )
    figure.add_scatter(
        x=[x + 0.5 for x, _ in corners],
        y=[y + _VERDICT for _, y in corners],
        mode="text",
        hoverinfo="skip",
        meta="samples:verdict",
        text=patch["samples:verdict"]["text"],
        textfont={"size": 12, **patch["samples:verdict"]["textfont"]},
    )
    names = [samples.name(k)[:3] for k in kept]
    if len("".join(names)) <= MOST_LETTERS:
        figure.add_scatter(
            x=[x + place for x, _ in corners for place in places],
            y=[y + _NAMES for _, y in corners for _ in places],
            text=[name for _ in corners for name in names],
            mode="text",
            hoverinfo="skip",
            meta="samples:names",
            textfont={"size": 11, "color": "#5B6670"},
        )
    _pictures(figure, samples, corners)
    hidden = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, samples.columns], **hidden)
    figure.update_yaxes(range=[0, samples.rows], **hidden)
    return figure.update_layout(showlegend=False, barmode="overlay")


def _pictures(figure: go.Figure, samples: Samples, corners: Sequence[tuple[int, int]]) -> None:
    """The images, or, where the inputs are no images, their first numbers."""
    for i, (x, y) in enumerate(corners):
        source = to_png(samples.inputs[i])
        if source:
            figure.add_layout_image(
                source=source,
                xref="x",
                yref="y",
                x=x + 0.5,
                y=y + _PICTURE[1],
                sizex=_WIDTH,
                sizey=_PICTURE[1] - _PICTURE[0],
                xanchor="center",
                sizing="contain",
            )
        else:
            values = ", ".join(f"{v:.2g}" for v in samples.inputs[i].flatten()[:3].tolist())
            more = ", …" if samples.inputs[i].numel() > 3 else ""
            figure.add_annotation(
                text=f"({values}{more})",
                x=x + 0.5,
                y=y + sum(_PICTURE) / 2,
                xref="x",
                yref="y",
                showarrow=False,
            )


def to_png(image: Tensor) -> str | None:
    """An image as a data URI, its pixels square and sharp; None if it is not an image.

    Args:
        image: (h, w), (1, h, w) or (3, h, w), in any range: its darkest value becomes black.
    """
    from PIL import Image

    channels = image[None] if image.ndim == 2 else image
    if channels.ndim != 3 or channels.shape[0] not in (1, 3):
        return None
    pixels = channels.detach().cpu().float().nan_to_num()
    low, high = pixels.min().item(), pixels.max().item()
    if low >= 0 and high <= 1:  # already shades: a pale image stays pale
        low, high = 0.0, 1.0
    scaled = ((pixels - low) / max(high - low, 1e-12) * 255).round().to(torch.uint8)
    grow = max(1, 64 // max(scaled.shape[1:]))  # a browser would blur eight pixels
    sharp = scaled.repeat_interleave(grow, 1).repeat_interleave(grow, 2).permute(1, 2, 0).numpy()
    picture = Image.fromarray(sharp[..., 0] if sharp.shape[2] == 1 else sharp)
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _describe(said: Sequence[str], labels: Sequence[str]) -> str:
    """What the network says about each sample."""
    right = sum(a == b for a, b in zip(said, labels, strict=True))
    answers = [s if s == is_ else f"{s} (is {is_})" for s, is_ in zip(said, labels, strict=True)]
    return f"{right} of {len(said)} samples right; it says {listed(answers)}."
