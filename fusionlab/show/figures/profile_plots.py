"""Loss and quality along paths: each function takes results and gives a figure.

Each trace has a key (its `meta`, such as "loss:mark:train"), by which an explorer changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import plotly.graph_objects as go
import torch

from fusionlab.arguments import expect
from fusionlab.connectivity import Profile
from fusionlab.show.figures.amounts import amount, bare, numbers
from fusionlab.show.figures.bars import mean_and_sd
from fusionlab.show.figures.measures import panels, shared_measures
from fusionlab.show.figures.theme import INK, QUIET, Look, canvas, looks, ring
from fusionlab.show.figures.words import capital

Curves = Mapping[str, Profile | Sequence[Profile]]


def draw_profiles(
    profiles: Profile | Curves,
    *,
    what: str = "loss",
    ends: tuple[str, str] = ("a", "b"),
    t: float | None = None,
    title: str | None = None,
) -> go.Figure:
    """A measured quantity along paths, with the chord between the ends and the barrier.

    Args:
        profiles: one, or several by name; a sequence of them (one per seed) is drawn as
            mean ± standard deviation.
        what: the quantity on the y axis, one of the profiles' `measures.names`.
        ends: what is at t = 0 and at t = 1.
        t: a position to mark on every curve.
        title: replaces "Loss along the path from a to b".
    """
    if not isinstance(profiles, Mapping):
        expect("profile", profiles)
    curves = {"": profiles} if isinstance(profiles, Profile) else profiles
    many = {n: [p] if isinstance(p, Profile) else list(p) for n, p in curves.items()}
    quantity = shared_measures({n: runs[0] for n, runs in many.items()}).quantity(what)
    title = title or f"{capital(what)} along the path from {ends[0]} to {ends[1]}"
    said = [_describe(name or "the path", runs[0], what) for name, runs in many.items()]
    figure = canvas(title, description=f"{title}. {' '.join(said)}")
    figure.add_traces(trace_profiles(many, what, t))
    figure.update_xaxes(title=f"position t on the path (0 is {ends[0]}, 1 is {ends[1]})")
    figure.update_yaxes(title=quantity.axis, tickformat=".0%" if quantity.share else None)
    if quantity.share:
        figure.update_yaxes(rangemode="tozero")
    return figure.update_layout(showlegend=len(many) > 1)


def _describe(name: str, profile: Profile, what: str) -> str:
    """One curve in a sentence: its ends, and its extreme between them."""
    values, quantity = profile.values(what), profile.measures.quantity(what)
    worst = int(values.argmin() if quantity.higher_is_better else values.argmax())
    return (
        f"{name}: {what} {amount(float(values[0]), quantity)} at t = {float(profile.t[0]):g}, "
        f"{amount(float(values[-1]), quantity)} at t = {float(profile.t[-1]):g}, "
        f"worst {amount(float(values[worst]), quantity)} at t = {float(profile.t[worst]):.2f}."
    )


def trace_profiles(
    many: Mapping[str, Sequence[Profile]], what: str, t: float | None = None
) -> list[go.Scatter]:
    """The curves with their chords and barriers, and the marks above them all."""
    traces, own = [], looks(many)
    for name, runs in many.items():
        traces += _curve(own[name], name, runs, what)
        if not runs[0].measures.quantity(what).higher_is_better:
            traces += _chord(own[name], name, runs, what, labelled=len(many) == 1)
    if t is not None:
        traces += [_mark(own[name], name, runs[0], what, t) for name, runs in many.items()]
    return traces


def value_at(profile: Profile, what: str, t: float) -> float:
    """The curve's value at t, on the straight line between the two points beside it."""
    x, y = profile.t.double(), profile.values(what).double()
    right = int(torch.searchsorted(x, torch.tensor(t).double()).clamp(1, len(x) - 1))
    step = (t - x[right - 1]) / (x[right] - x[right - 1])
    return float(torch.lerp(y[right - 1], y[right], step))


def _curve(own: Look, name: str, runs: Sequence[Profile], what: str) -> list[go.Scatter]:
    """One line, and a band around it where there are several runs."""
    values = torch.stack([run.values(what) for run in runs])  # (runs, points)
    mean, t = values.mean(0), numbers(runs[0].t)
    line = go.Scatter(
        x=t,
        y=numbers(mean),
        name=_legend(name, runs, what),
        meta=f"{what}:curve:{name}",
        legendgroup=name,
        mode="lines",
        line={"color": own.colour, "dash": own.dash, "width": 2.5},
        hovertemplate="t = %{x:.2f}: %{y:.3g}<extra>" + name + "</extra>",
    )
    if len(runs) == 1:
        return [line]
    sd, share = values.std(0), runs[0].measures.quantity(what).share
    low, high = ((end.clamp(0, 1) if share else end) for end in (mean - sd, mean + sd))
    band = go.Scatter(
        x=t + t[::-1],
        y=numbers(high) + numbers(low)[::-1],
        meta=f"{what}:band:{name}",
        legendgroup=name,
        showlegend=False,
        mode="lines",
        line={"width": 0, "color": own.colour},
        fill="toself",
        opacity=0.25,
        hoverinfo="skip",
    )
    return [band, line]


def _chord(
    own: Look, name: str, runs: Sequence[Profile], what: str, *, labelled: bool
) -> list[go.Scatter]:
    """The line between the ends, and the highest rise over it; for one run, not for a mean."""
    if len(runs) > 1:
        return []
    run = runs[0]
    start, end = value_at(run, what, 0.0), value_at(run, what, 1.0)
    t, values = run.t, run.values(what)
    rise = torch.where((t >= 0) & (t <= 1), values - (start + t * (end - start)), -torch.inf)
    top = int(rise.nan_to_num(nan=-torch.inf, posinf=-torch.inf).argmax())
    at, foot = float(t[top]), start + float(t[top]) * (end - start)
    quiet = {"legendgroup": name, "showlegend": False, "hoverinfo": "skip"}
    tall = {"x": [at, at], "y": numbers(torch.tensor([foot, float(values[top])]))}
    barrier = amount(_barrier(run, what), run.measures.quantity(what))
    label = f"  barrier {barrier}" if labelled else ""
    return [
        go.Scatter(
            x=[0, 1],
            y=[start, end],
            meta=f"{what}:chord:{name}",
            mode="lines",
            line={"color": QUIET, "width": 1.5, "dash": "dot"},
            **quiet,
        ),
        go.Scatter(
            **tall,
            meta=f"{what}:barrier:{name}",
            mode="lines+markers+text",
            line={"color": own.colour if not labelled else INK, "width": 1.2},
            marker={"symbol": "line-ew-open", "size": 10},
            text=["", label],
            textposition="top center",
            cliponaxis=False,
            **quiet,
        ),
    ]


def _mark(own: Look, name: str, run: Profile, what: str, t: float) -> go.Scatter:
    return go.Scatter(
        x=[t],
        y=[value_at(run, what, t)],
        meta=f"{what}:mark:{name}",
        mode="markers",
        marker=ring(own),
        showlegend=False,
        cliponaxis=False,
        hovertemplate="t = %{x:.2f}: %{y:.3g}<extra>here</extra>",
    )


def _barrier(run: Profile, what: str) -> float:
    """Of an error that a share leaves, Frankle's; else how far it lies above its own chord."""
    derived = what not in panels(run.measures)
    return run.error_barrier if derived else replace(run, loss=run.values(what)).barrier


def _legend(name: str, runs: Sequence[Profile], what: str) -> str:
    quantity = runs[0].measures.quantity(what)
    if quantity.higher_is_better:
        return name
    mean, sd = mean_and_sd([[_barrier(run, what) for run in runs]])
    told = f"{name}: barrier {bare(mean[0], quantity)}"
    return f"{told} ± {bare(sd[0], quantity)}" if len(runs) > 1 else told
