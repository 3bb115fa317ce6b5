"""The reader's own network is taken whole or not at all, and what is missing is said."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.checkpoints import save
from fusionlab.teach import bring_your_own, goes_wrong

MODEL = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
DATA = Data(torch.randn(20, 4), torch.arange(20) % 3)
OURS = (MODEL, Weights.of(MODEL), Weights.of(MODEL), DATA)


def test_without_anything_ours_run_and_the_list_is_long():
    own = bring_your_own(ours=OURS)
    assert not own.theirs
    assert (own.model, own.a, own.b, own.data) == OURS
    assert str(own).count(";") == 3


def test_what_is_missing_is_named_exactly():
    own = bring_your_own(model=MODEL, a=MODEL, data=DATA, ours=OURS)
    assert not own.theirs
    assert "Still missing: the second trained point." in str(own)


def test_files_modules_and_points_are_taken(tmp_path):
    mine = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    save(tmp_path / "a.safetensors", Weights.of(mine))
    torch.save(mine.state_dict(), tmp_path / "a.pt")
    for source in (tmp_path / "a.safetensors", tmp_path / "a.pt", mine, Weights.of(mine)):
        own = bring_your_own(model=MODEL, a=source, b=MODEL, data=DATA, ours=OURS)
        assert own.theirs
        assert torch.equal(own.a["0.weight"], mine[0].weight)
        assert "15 weights" not in str(own)
        assert f"{own.a.size} weights, 20 rows" in str(own)


def test_a_folder_and_a_file_of_a_wrapped_network_are_taken(tmp_path):
    mine = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    save(tmp_path / "model.safetensors", Weights.of(mine))
    torch.save({"state_dict": nn.DataParallel(mine).state_dict()}, tmp_path / "last.ckpt")
    for source in (tmp_path, tmp_path / "last.ckpt"):
        for model in (MODEL, nn.DataParallel(MODEL)):
            own = bring_your_own(model=model, a=source, b=source, data=DATA, ours=OURS)
            assert torch.equal(own.a.flat(), Weights.of(mine).flat())


def test_a_point_of_another_network_is_refused():
    with pytest.raises(ValueError, match="same widths"):
        bring_your_own(
            model=MODEL,
            a=nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)),
            b=MODEL,
            data=DATA,
            ours=OURS,
        )


@pytest.mark.parametrize(
    ("inputs", "labels", "words"),
    [
        (torch.randn(20, 7), torch.arange(20) % 3, r"inputs of shape \(7,\)"),
        (torch.randn(20, 4), torch.arange(20) % 5, "labels run to 4"),
    ],
)
def test_data_that_do_not_fit_are_refused(inputs, labels, words):
    with pytest.raises(ValueError, match=words):
        bring_your_own(model=MODEL, a=MODEL, b=MODEL, data=(inputs, labels), ours=OURS)


def test_a_failure_on_purpose_is_shown_and_the_notebook_goes_on(capsys):
    with goes_wrong():
        Weights.of(MODEL) * Weights.of(MODEL)
    assert "TypeError: unsupported operand" in capsys.readouterr().out


def test_a_failure_that_does_not_come_is_an_error():
    with pytest.raises(AssertionError, match="did not"), goes_wrong():
        pass


BY_NAME = (MODEL, {"start": Weights.of(MODEL), "end": Weights.of(MODEL)}, DATA)


def of_other_seed(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def test_points_by_name_are_any_number():
    for count in (1, 2, 4):
        points = {f"run {i}": of_other_seed(i) for i in range(count)}
        own = bring_your_own(model=MODEL, points=points, data=DATA, ours=BY_NAME)
        assert own.theirs
        assert list(own.points) == list(points)
        assert torch.equal(own.a["0.weight"], points["run 0"][0].weight)


def test_what_is_missing_is_named_where_points_have_names():
    own = bring_your_own(model=MODEL, points={}, data=DATA, ours=BY_NAME)
    assert not own.theirs
    assert list(own.points) == ["start", "end"]
    assert str(own).endswith(
        "Still missing: trained points by name (files, modules, or `Weights`)."
    )


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, ["a random plane around run 0"]),
        (2, ["a random plane around run 0", "the plane of run 0, run 1 and chance"]),
        (4, ["a random plane around run 0", "the plane of run 0, run 1 and run 2"]),
    ],
)
def test_planes_hold_the_points_that_name_them(count, names):
    points = {f"run {i}": of_other_seed(i) for i in range(count)}
    own = bring_your_own(model=MODEL, points=points, data=DATA, ours=BY_NAME)
    planes = own.planes(seed=3)
    assert list(planes) == names
    for plane in planes.values():
        assert plane.distance(own.a) < 1e-5
    if count > 1:
        assert planes[names[1]].distance(own.b) < 1e-5
        assert planes[names[1]].isometric


def test_a_point_that_diverged_is_refused():
    broken = of_other_seed(0)
    broken[0].bias.data[1] = torch.nan
    with pytest.raises(
        ValueError, match=r"'late' has numbers that are not finite, first in '0\.bias'"
    ):
        bring_your_own(model=MODEL, points={"late": broken}, data=DATA, ours=BY_NAME)


def test_a_file_that_lacks_a_tensor_is_refused(tmp_path):
    state = {name: t for name, t in MODEL.state_dict().items() if name != "0.bias"}
    torch.save(state, tmp_path / "short.pt")
    with pytest.raises(ValueError, match=r"0\.bias"):
        bring_your_own(
            model=MODEL, points={"short": tmp_path / "short.pt"}, data=DATA, ours=BY_NAME
        )


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize("what", ["truncated", "hostile"])
def test_a_truncated_or_hostile_file_is_refused_and_not_executed(tmp_path, what):
    file = tmp_path / "bad.pt"
    torch.save({"0.weight": Bomb()} if what == "hostile" else MODEL.state_dict(), file)
    if what == "truncated":
        file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(ValueError, match="cannot be read as plain tensors"):
        bring_your_own(model=MODEL, points={"bad": file}, data=DATA, ours=BY_NAME)


class Tuple(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, inputs):
        return self.layer(inputs), None


def test_a_network_that_gives_no_logits_is_refused():
    with pytest.raises(ValueError, match="returned a tuple"):
        bring_your_own(model=Tuple(), points={"a": Tuple()}, data=DATA, ours=BY_NAME)
