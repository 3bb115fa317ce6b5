"""A point in several files is read whole, from inside its folder only, or what lacks is named."""

import json
import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fusionlab import Weights
from fusionlab.checkpoints import CheckpointError, load

MODEL = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
STATE = MODEL.state_dict()


def is_model(theta):
    own = Weights.of(MODEL)
    return all(torch.equal(theta[n], t) for n, t in own.items()) and set(theta) == set(own)


def in_parts(folder, kind):
    stem, ending = {"safetensors": ("model", "safetensors"), "bin": ("pytorch_model", "bin")}[kind]
    where = {}
    for part, start in ((1, "0."), (2, "1."), (3, "2.")):
        name = f"{stem}-0000{part}-of-00003.{ending}"
        tensors = {n: t for n, t in STATE.items() if n.startswith(start)}
        where |= dict.fromkeys(tensors, name)
        (save_file if kind == "safetensors" else torch.save)(tensors, folder / name)
    index = folder / f"{stem}.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": where}))
    return index


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_a_point_in_parts_is_read_from_its_folder_or_its_index(kind, tmp_path):
    index = in_parts(tmp_path, kind)
    (tmp_path / "config.json").write_text("{}")
    for path in (index, tmp_path, str(tmp_path)):
        assert is_model(load(path, like=MODEL).theta)
        assert is_model(load(path).theta)


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_a_missing_part_is_named(kind, tmp_path):
    index = in_parts(tmp_path, kind)
    (part,) = tmp_path.glob("*-00002-of-*")
    part.unlink()
    with pytest.raises(CheckpointError, match=rf"lists 3 parts, but '{part.name}' cannot be found"):
        load(index, like=MODEL)


def test_one_part_is_not_taken_for_the_whole(tmp_path):
    in_parts(tmp_path, "safetensors")
    with pytest.raises(CheckpointError, match=r"one part of a point in several files.*index"):
        load(tmp_path / "model-00001-of-00003.safetensors")
    save_file(STATE, tmp_path / "model-00001-of-00001.safetensors")
    assert is_model(load(tmp_path / "model-00001-of-00001.safetensors").theta)


def test_a_part_that_lacks_what_the_index_says_is_named(tmp_path):
    index = in_parts(tmp_path, "safetensors")
    save_file({"0.bias": STATE["0.bias"]}, tmp_path / "model-00001-of-00003.safetensors")
    with pytest.raises(
        CheckpointError, match=r"lacks '0\.weight', which model\.safetensors\.index"
    ):
        load(index)


@pytest.mark.parametrize(
    "part",
    ["../out.safetensors", "{}/out.safetensors", "sub/../../out.safetensors", "..\\out", "C:x"],
)
def test_an_index_leads_to_no_file_outside_of_its_folder(part, tmp_path):
    save_file(STATE, tmp_path / "out.safetensors")
    folder = tmp_path / "folder"
    folder.mkdir()
    where = dict.fromkeys(STATE, part.format(tmp_path))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    with pytest.raises(CheckpointError, match="outside of its folder"):
        load(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_part_may_be_a_link_and_lie_in_a_folder_below(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "folder" / "parts").mkdir(parents=True)
    save_file(STATE, tmp_path / "blobs" / "abc")
    (tmp_path / "folder" / "parts" / "one.safetensors").symlink_to(tmp_path / "blobs" / "abc")
    where = dict.fromkeys(STATE, "parts/one.safetensors")
    (tmp_path / "folder" / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": where})
    )
    assert is_model(load(tmp_path / "folder").theta)


@pytest.mark.parametrize(
    "text", ['{"weight_map": {"0.w', '{"weight_map": 3}', '{"weight_map": {"a": 1}}']
)
def test_a_damaged_index_says_so(text, tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"not a complete index of parts.*Download"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_with_one_file_of_weights_is_read(name, tmp_path):
    (save_file if "safe" in name else torch.save)(STATE, tmp_path / name)
    torch.save({"state": {}}, tmp_path / "optimizer.pt")
    assert is_model(load(tmp_path, like=MODEL).theta)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["adapter_model.safetensors", "adapter_config.json"], "only an adapter.*merge_and_unload"),
        ([".metadata", "__0_0.distcp"], "dcp_to_torch_save"),
        (["data.pkl", "version"], "unpacked"),
        (["a.pt", "b.pt"], r"folder with 'a\.pt', 'b\.pt' in it.*Give the path of a file"),
        ([], "folder with nothing in it"),
    ],
)
def test_a_folder_without_weights_says_what_it_holds(names, words, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=words):
        load(tmp_path, like=MODEL)
