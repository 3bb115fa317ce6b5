"""Below each sample stands what the network says about it, right or wrong, in more than colour."""

import base64
import io

import pytest
import torch
from PIL import Image

from fusionlab.show import Samples, draw_samples
from fusionlab.show.figures.samples import to_png
from fusionlab.show.figures.theme import QUIET, RIGHT, WRONG

LABELS = torch.tensor([2, 0])
SURE = torch.tensor([[0.1, 0.2, 0.7], [0.0, 0.75, 0.25]])


def trace(figure, key):
    return next(t for t in figure.data if t.meta == f"samples:{key}")


@pytest.fixture
def figure():
    return draw_samples(Samples(torch.rand(2, 1, 4, 4), LABELS, columns=2), SURE)


def test_bars_are_as_high_as_the_probabilities(figure):
    heights = torch.tensor(trace(figure, "bars").y).view(2, 3)
    torch.testing.assert_close(heights / heights.max() * 0.75, SURE, atol=1e-4, rtol=0)


def test_bars_stand_in_the_cell_of_their_sample(figure):
    x = torch.tensor(trace(figure, "bars").x).view(2, 3)
    assert ((x[0] > 0) & (x[0] < 1)).all()
    assert ((x[1] > 1) & (x[1] < 2)).all()


def test_names_of_classes_are_large_enough_to_be_read_or_left_out(figure):
    assert trace(figure, "names").textfont.size >= 11
    words = Samples(torch.rand(2, 1, 4, 4), LABELS, classes=["apple", "bear", "cat"] * 2)
    crowded = draw_samples(words, torch.cat([SURE, SURE], 1) / 2)
    assert "samples:names" not in {t.meta for t in crowded.data}


def test_right_and_wrong_differ_by_symbol_and_words(figure):
    right, wrong = trace(figure, "verdict").text
    assert "✓ 2" in right
    assert "✗ 1" in wrong
    assert "is 0" in wrong


def test_the_answer_given_has_the_colour_of_right_or_wrong_and_all_others_none(figure):
    colours = trace(figure, "bars").marker.color
    assert colours == (QUIET, QUIET, RIGHT, QUIET, WRONG, QUIET)


def test_the_description_tells_every_answer(figure):
    assert "1 of 2 samples right; it says 2 and 1 (is 0)." in figure.layout.meta["description"]


def test_named_classes_are_called_by_their_names():
    samples = Samples(torch.rand(2, 2), LABELS, classes=["cat", "dog", "owl"])
    assert "it says owl and dog (is cat)" in samples.describe(SURE)


def test_of_very_many_classes_only_those_shown_get_a_bar():
    many = torch.full((2, 1000), 1e-3)
    kept, values = Samples(torch.rand(2, 2), LABELS).bars(many)
    assert kept == [0, 2]
    assert values.shape == (2, 2)


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (3, 4, 6)])
def test_images_are_drawn_with_sharp_pixels(shape):
    image = torch.zeros(shape)
    image[..., 0, 5] = 1.0
    picture = Image.open(io.BytesIO(base64.b64decode(to_png(image).split(",")[1])))
    assert picture.size == (60, 40)
    corner, below = picture.getpixel((59, 9)), picture.getpixel((59, 10))
    assert (corner, below) in [(255, 0), ((255, 255, 255), (0, 0, 0))]


@pytest.mark.parametrize("shape", [(2,), (7,), (2, 4, 4)])
def test_inputs_that_are_no_images_are_told_in_numbers(shape):
    figure = draw_samples(Samples(torch.ones(2, *shape), LABELS), SURE)
    assert not figure.layout.images
    assert [note.text[:2] for note in figure.layout.annotations] == ["(1", "(1"]


def test_probabilities_that_are_no_numbers_do_not_stop_the_picture():
    figure = draw_samples(Samples(torch.rand(2, 4, 4), LABELS), SURE * float("nan"))
    assert set(trace(figure, "bars").y) == {0}
