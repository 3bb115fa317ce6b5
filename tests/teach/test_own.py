"""The reader's own network is taken whole or not at all, and what is missing is said."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fusionlab import Data, Weights
from fusionlab.checkpoints import Checkpoint, save
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
        (2, ["a random plane around run 0", "the plane of run 0, run 1 and a random direction"]),
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


class Pair(nn.Module):
    def __init__(self, names):
        super().__init__()
        self.layer, self.names = nn.Linear(4, 3), names

    def forward(self, inputs):
        return dict.fromkeys(self.names, self.layer(inputs))


def test_a_network_whose_outputs_are_not_clear_is_refused():
    for names in (["logits", "hidden"], ["out"], ["only"]):
        own = bring_your_own(model=Pair(names), points={"a": Pair(names)}, data=DATA, ours=BY_NAME)
        assert own.theirs
    with pytest.raises(ValueError, match="not clear which tensor"):
        bring_your_own(
            model=Pair(["x", "y"]), points={"a": Pair(["x", "y"])}, data=DATA, ours=BY_NAME
        )


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, left, right):
        return self.left(left) + self.right(right)


def test_a_regression_is_taken_with_its_objective_and_its_landscape_is_ready():
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(20, 4)
    y = x.sum(1)
    own = bring_your_own(
        model=model, a=model, b=model, data=(x, y), objective="regression", ours=OURS
    )
    expected = nn.functional.mse_loss(model(x)[:, 0], y).item()
    assert own.landscape(own.a).loss == pytest.approx(expected, rel=1e-5)
    assert own.landscape.measures.names == ("loss", "mean absolute error")


def test_while_ours_run_the_readers_objective_is_not_used():
    own = bring_your_own(objective="regression", ours=OURS)
    assert own.landscape.measures.names == ("loss", "error", "accuracy")


def test_tokens_are_taken():
    model = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 7))
    ids = torch.arange(40).view(8, 5) % 7
    own = bring_your_own(
        model=model, a=model, b=model, data=(ids, ids), objective="tokens", ours=OURS
    )
    assert own.landscape.measures.quality.name == "token accuracy"


def test_a_loss_of_the_readers_own_is_taken():
    model, x = nn.Linear(4, 1), torch.randn(20, 4)
    loss = nn.L1Loss()
    own = bring_your_own(
        model=model, a=model, b=model, data=(x, x[:, :1]), objective=loss, ours=OURS
    )
    expected = loss(model(x), x[:, :1]).item()
    assert own.landscape(own.a).loss == pytest.approx(expected, rel=1e-5)


def test_several_inputs_are_taken_by_place_and_by_name():
    left, right, labels = torch.randn(20, 4), torch.randn(20, 2), torch.arange(20) % 3
    model = Two()
    for inputs in ((left, right), {"right": right, "left": left}):
        own = bring_your_own(model=model, a=model, b=model, data=(inputs, labels), ours=OURS)
        expected = nn.functional.cross_entropy(model(left, right), labels).item()
        assert own.landscape(own.a).loss == pytest.approx(expected, rel=1e-5)


def refused(words, model=MODEL, data=DATA, **more):
    with pytest.raises(ValueError, match=words) as caught:
        bring_your_own(model=model, a=model, b=model, data=data, ours=OURS, **more)
    return str(caught.value)


def test_a_network_of_two_inputs_that_is_given_one_says_how_to_give_two():
    data = (torch.randn(20, 4), torch.arange(20) % 3)
    assert "data=((first, second), targets)" in refused("missing 1 required", Two(), data)


def test_pictures_of_bytes_say_how_to_scale_them():
    pictures = torch.randint(256, (20, 1, 4, 4), dtype=torch.uint8)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    refused(r"inputs\.float\(\) / 255", network, (pictures, torch.arange(20) % 3))


def test_numbers_to_be_predicted_say_which_objective_to_give():
    refused("objective='regression'", data=(torch.randn(20, 4), torch.randn(20)))


def test_an_unknown_objective_is_named():
    refused("Unknown objective 'regresion'", objective="regresion")


def test_data_with_holes_are_refused():
    inputs = torch.randn(20, 4)
    inputs[3, 1] = torch.nan
    refused(r"not finite \(rows \[3\]\)", data=(inputs, torch.arange(20) % 3))


def test_a_loss_that_is_no_number_is_refused_where_the_weights_are():
    model = nn.Linear(4, 3)
    refused("scaled as in training", model, (1e38 * torch.ones(20, 4), torch.arange(20) % 3))


def test_a_state_dict_and_a_checkpoint_are_points():
    mine = of_other_seed(3)
    save_to = {"whole": mine.state_dict(), "read": Checkpoint(Weights.of(mine), {})}
    own = bring_your_own(model=MODEL, points=save_to, data=DATA, ours=BY_NAME)
    for theta in own.points.values():
        assert torch.equal(theta["0.weight"], mine[0].weight)


def test_a_state_dict_of_another_network_and_what_is_no_point_are_refused():
    with pytest.raises(ValueError, match="'a' is of another network"):
        bring_your_own(
            model=MODEL, points={"a": nn.Linear(4, 3).state_dict()}, data=DATA, ours=BY_NAME
        )
    with pytest.raises(TypeError, match="the point 'a' is a list"):
        bring_your_own(model=MODEL, points={"a": [1, 2]}, data=DATA, ours=BY_NAME)


def test_a_folder_of_parts_is_a_point(tmp_path):
    mine = of_other_seed(4)
    parts = {"0.weight": "part-1", "0.bias": "part-1"}
    parts |= {n: "part-2" for n in mine.state_dict() if n not in parts}
    for part in ("part-1", "part-2"):
        held = {n: t for n, t in mine.state_dict().items() if parts[n] == part}
        save_file(held, tmp_path / f"{part}.safetensors")
    index = {"weight_map": {name: f"{part}.safetensors" for name, part in parts.items()}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    own = bring_your_own(model=MODEL, points={"sharded": tmp_path}, data=DATA, ours=BY_NAME)
    assert torch.equal(own.a.flat(), Weights.of(mine).flat())


def test_where_a_file_holds_two_networks_the_key_chooses_one(tmp_path):
    student, teacher = of_other_seed(5), of_other_seed(6)
    both = {"student": student.state_dict(), "teacher": teacher.state_dict()}
    torch.save(both, tmp_path / "both.pt")
    own = bring_your_own(
        model=MODEL, points={"t": tmp_path / "both.pt"}, data=DATA, key="teacher", ours=BY_NAME
    )
    assert torch.equal(own.a["0.weight"], teacher[0].weight)


def test_what_is_left_out_of_a_file_is_said_twice(tmp_path):
    mine = of_other_seed(7)
    larger = {f"body.{n}": t for n, t in mine.state_dict().items()}
    torch.save(larger | {"head.weight": torch.ones(2, 3)}, tmp_path / "larger.pt")
    with pytest.warns(UserWarning, match=r"head\.weight"):
        own = bring_your_own(
            model=MODEL, points={"m": tmp_path / "larger.pt"}, data=DATA, ours=BY_NAME
        )
    assert "Left out of m: head.weight" in str(own)


def test_points_come_as_a_and_b_or_by_name_whatever_ours_are():
    one, two = of_other_seed(8), of_other_seed(9)
    named = bring_your_own(model=MODEL, a=one, b=two, data=DATA, ours=BY_NAME)
    assert list(named.points) == ["a", "b"]
    paired = bring_your_own(model=MODEL, points={"x": one, "y": two}, data=DATA, ours=OURS)
    assert torch.equal(paired.a.flat(), Weights.of(one).flat())
    assert torch.equal(paired.b.flat(), Weights.of(two).flat())


def test_a_class_in_place_of_a_module_and_a_list_of_points_are_refused():
    with pytest.raises(TypeError, match="got the class Linear: build the network first"):
        bring_your_own(model=nn.Linear, a=MODEL, b=MODEL, data=DATA, ours=OURS)
    with pytest.raises(TypeError, match="expected points by name, got a list"):
        bring_your_own(model=MODEL, points=[MODEL], data=DATA, ours=BY_NAME)
