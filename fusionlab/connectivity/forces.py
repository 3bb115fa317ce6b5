"""What pulls at a pivot of an elastic band: the slope across the band, springs along it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from fusionlab.weights import Weights


def tangent(points: Sequence[Weights], losses: Sequence[float]) -> Weights:
    """The unit direction of a band at the middle one of three neighbours, from their losses.

    On a slope it is the segment that leads uphill. At a peak or in a dip it is a mixture of both
    segments: with Δmax and Δmin the larger and the smaller |difference| of loss to a neighbour,
    τ = Δmax τ₊ + Δmin τ₋ where the next neighbour is the higher, else Δmin τ₊ + Δmax τ₋.

    Source:
        Henkelman and Jónsson 2000, doi.org/10.1063/1.1323224, equations 8 to 11.
    """
    before, here, after = points
    back, ahead = here - before, after - here
    first, middle, last = losses
    small, large = sorted((abs(last - middle), abs(first - middle)))
    if first < middle < last:
        along = ahead
    elif first > middle > last:
        along = back
    elif large == 0:
        along = ahead + back
    else:
        up, down = (large, small) if last > first else (small, large)
        along = up * ahead + down * back
    return along / along.norm().clamp_min(1e-30)


def force(
    points: Sequence[Weights], slope: Weights, along: Weights, *, spring: float, climbs: bool
) -> Weights:
    """Where the middle one of three neighbours is pulled to.

    F = −(∇L − ⟨∇L, τ⟩ τ) + k (‖θ₊ − θ‖ − ‖θ − θ₋‖) τ; of a pivot that climbs, which feels no
    spring, F = −∇L + 2 ⟨∇L, τ⟩ τ.

    Args:
        points: the neighbour before, the pivot, the neighbour after.
        slope: ∇L at the pivot.
        along: the unit tangent τ.
        spring: k; infinite springs exert no force: they are a rule for the spacing, kept elsewhere.
        climbs: whether the pivot goes up along the band, to the saddle.

    Source:
        Jónsson et al. 1998, doi.org/10.1142/9789812839664_0016; climbing: Henkelman et al. 2000,
        doi.org/10.1063/1.1329672.
    """
    uphill = slope @ along
    if climbs:
        return 2 * uphill * along - slope
    across = uphill * along - slope
    if isinf(spring):
        return across
    before, here, after = points
    return across + spring * ((after - here).norm() - (here - before).norm()) * along
