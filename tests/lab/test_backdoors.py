"""A back door is a bright corner with a label of its own, and nothing else is changed."""

import pytest
import torch

from fusionlab import Data
from fusionlab.lab import attacked, backdoored, digits


@pytest.fixture(scope="module")
def images() -> Data:
    return digits().val


def test_a_share_of_the_images_gets_patch_and_label(images):
    poisoned = backdoored(images, share=0.2, target=7, seed=0)
    changed = (poisoned.inputs != images.inputs).flatten(1).any(1)
    assert changed.sum() == round(0.2 * len(images))
    assert (poisoned.labels[changed] == 7).all()
    assert (poisoned.inputs[changed][..., -3:, -3:] == images.inputs.max()).all()
    assert torch.equal(poisoned.labels[~changed], images.labels[~changed])


def test_beside_the_patch_every_pixel_stays(images):
    poisoned = backdoored(images, share=1.0, target=0, seed=0, patch=2)
    changed = poisoned.inputs != images.inputs
    changed[..., -2:, -2:] = False
    assert not changed.any()


def test_an_attack_is_the_patch_on_all_images_of_other_classes(images):
    attack = attacked(images, target=7)
    assert len(attack) == (images.labels != 7).sum()
    assert (attack.labels == 7).all()
    assert (attack.inputs[..., -3:, -3:] == images.inputs.max()).all()


def test_the_seed_draws_the_images(images):
    one, again, other = (backdoored(images, share=0.1, target=1, seed=s) for s in (3, 3, 4))
    assert torch.equal(one.inputs, again.inputs)
    assert not torch.equal(one.inputs, other.inputs)


def test_the_clean_images_stay_clean(images):
    before = images.fingerprint()
    state = torch.get_rng_state()
    backdoored(images, share=0.5, target=1, seed=0)
    attacked(images, target=1)
    assert images.fingerprint() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_no_share_changes_nothing(images):
    assert torch.equal(backdoored(images, share=0, target=1, seed=0).inputs, images.inputs)


def test_what_cannot_be_poisoned_is_told(images):
    with pytest.raises(ValueError, match="from 0 to 1"):
        backdoored(images, share=1.5, target=1, seed=0)
    with pytest.raises(ValueError, match="Unknown class target=10"):
        backdoored(images, share=0.5, target=10, seed=0)
    with pytest.raises(ValueError, match="no room for a patch"):
        attacked(Data(torch.rand(5, 4), torch.arange(5)), target=1)
    with pytest.raises(ValueError, match="no room for a patch"):
        attacked(images, target=1, patch=9)
