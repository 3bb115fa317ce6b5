"""Planes hold the points that span them, and directions have the scale of the filters."""

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.landscape import Plane, filter_normalise, random_direction


def points(count: int = 3) -> list[Weights]:
    torch.manual_seed(0)
    made = [nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)) for _ in range(3)]
    return [Weights.of(m) for m in made][:count]


def test_the_plane_of_three_points_holds_them_bit_for_bit_buffers_included():
    three = points()
    plane = Plane.through(*three)
    for theta in three:
        assert plane(*plane.project(theta)) is theta


def test_it_is_orthonormal_so_distances_on_the_picture_are_true():
    a, b, c = points()
    plane = Plane.through(a, b, c)
    assert plane.isometric
    flat = [torch.tensor(plane.project(theta)) for theta in (a, b, c)]
    for (one, two), (p, q) in (((a, b), (0, 1)), ((b, c), (1, 2)), ((a, c), (0, 2))):
        assert (flat[p] - flat[q]).norm().item() == pytest.approx((one - two).norm().item())
    assert plane.project(a) == pytest.approx((0, 0), abs=1e-9)
    assert plane.project(b)[1] == pytest.approx(0, abs=1e-9)
    assert plane.project(c)[1] > 0


def test_places_and_points_are_each_others_inverse():
    a, b, c = points()
    for plane in (Plane.through(a, b, c), Plane.random(a, seed=3)):
        assert plane.project(plane(0.7, -1.3)) == pytest.approx((0.7, -1.3), abs=1e-5)


def test_a_grid_runs_row_by_row_and_contains_its_corners():
    plane = Plane.random(points(1)[0], seed=0)
    x, y = torch.linspace(-1, 1, 4), torch.linspace(0, 2, 3)
    grid = plane.grid(x, y)
    assert len(grid) == 12
    for i, j in ((0, 0), (0, 3), (2, 0), (2, 3), (1, 2)):
        assert (grid[i * 4 + j] - plane(x[j].item(), y[i].item())).norm() < 1e-6


def test_three_points_on_a_line_span_no_plane():
    a, b, _ = points()
    with pytest.raises(ValueError, match="one line"):
        Plane.through(a, b, a + 2 * (b - a))
    with pytest.raises(ValueError, match="one line"):
        Plane.through(a, a, b)
    with pytest.raises(ValueError, match="parallel"):
        Plane.around(a, b, 2 * b)


def test_every_filter_has_the_norm_of_its_model_and_vectors_stay():
    theta = points(1)[0]
    direction = filter_normalise(random_direction(theta, seed=1), theta)
    for name, tensor in theta.items():
        if tensor.ndim < 2:
            assert direction[name].abs().max() == 0
            continue
        torch.testing.assert_close(
            direction[name].flatten(1).norm(dim=1), tensor.flatten(1).norm(dim=1)
        )


def test_filters_of_norm_zero_are_guarded():
    theta = Weights({"w": torch.tensor([[0.0, 0.0], [3.0, 4.0]])})
    direction = filter_normalise(Weights({"w": torch.tensor([[1.0, 1.0], [0.0, 0.0]])}), theta)
    assert torch.equal(direction["w"], torch.zeros(2, 2))


def test_directions_follow_the_seed_and_leave_the_global_dice():
    theta = points(1)[0]
    state = torch.get_rng_state()
    one, same, other = (random_direction(theta, seed=s) for s in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert (one - same).norm() == 0
    assert (one - other).norm() > 1
    assert one["0.weight"].mean().abs() < 1  # drawn around zero, not from [0, 1)
    assert (one["0.weight"] < 0).any()


def test_bounds_hold_the_points_with_room_around():
    a, b, c = points()
    plane = Plane.through(a, b, c)
    bounds = plane.bounds(a, b, c, margin=0.1)
    for theta in (a, b, c):
        x, y = plane.project(theta)
        assert bounds.x_min < x < bounds.x_max
        assert bounds.y_min < y < bounds.y_max
    x, y = bounds.grid(5, 3)
    assert (len(x), len(y), x[0].item(), y[-1].item()) == (5, 3, bounds.x_min, bounds.y_max)


def test_a_plane_may_be_spanned_by_more_than_three_points():
    torch.manual_seed(4)
    five = [Weights({"w": torch.randn(3, 7), "b": torch.randn(4)}) for _ in range(5)]
    five = [theta.move(dtype=torch.double) for theta in five]
    frame = torch.randn(3, 5, dtype=torch.double)
    plane = Plane(tuple(five), frame)
    rows = torch.stack([theta.flat() for theta in five])
    origin, u, v = frame @ rows
    torch.testing.assert_close(plane(0.3, -2).flat(), origin + 0.3 * u - 2 * v)
    torch.testing.assert_close(plane.gram, torch.stack([u, v]) @ torch.stack([u, v]).T)
    assert plane.project(plane(0.3, -2)) == pytest.approx((0.3, -2), abs=1e-5)


def test_a_frame_must_have_a_column_for_every_point():
    a, b, c = points()
    with pytest.raises(ValueError, match=r"\(3, 2\) does not fit 3 points"):
        Plane((a, b, c), torch.ones(3, 2))


def test_the_distance_from_a_plane_is_the_length_of_what_sticks_out():
    axes = [Weights({"w": row}) for row in torch.eye(4, dtype=torch.double)]
    plane = Plane.around(axes[0], 3 * axes[1], axes[1] + axes[2])  # oblique, not normalised
    assert plane.distance(7 * axes[2] - 5 * axes[3] + axes[0]) == pytest.approx(5)
    a, b, c = points()
    held = Plane.through(a, b, c)
    assert [held.distance(theta) for theta in (a, b, c)] == [0, 0, 0]


def test_many_points_are_projected_as_one_by_one():
    a, b, c = points()
    plane = Plane.random(a, seed=1)
    places, distances = plane.locate([a, b, c])
    for theta, place, distance in zip((a, b, c), places, distances, strict=True):
        assert plane.project(theta) == pytest.approx(place.tolist())
        gap = (plane(*place.tolist()) - theta).norm().item()
        assert distance.item() == pytest.approx(gap, abs=1e-6)


def test_points_that_differ_little_and_lie_far_from_zero_are_told_apart():
    far = 1e4 + torch.arange(6, dtype=torch.double)
    steps = 1e-3 * torch.tensor([[0.0] * 6, [1.0, 0, 0, 0, 0, 0], [1.0, 2, 0, 0, 0, 0]])
    a, b, c = (Weights({"w": far + step}) for step in steps)
    plane = Plane.through(a, b, c)
    assert plane.project(c) == pytest.approx((1e-3, 2e-3), rel=1e-6)
    assert plane.isometric
