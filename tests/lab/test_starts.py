"""Two seeds share nothing that is drawn, and a network is drawn as its maker meant it."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from fusionlab import Weights
from fusionlab.lab import convnet, initial, mlp, resnet
from fusionlab.lab.fingerprints import architecture, digest
from fusionlab.lab.starts import fresh, unchanged_by_reset

from .conftest import same_point


class Lora(nn.Linear):
    """W + BA, where B begins at zero."""

    def __init__(self, fan_in, fan_out):
        super().__init__(fan_in, fan_out)
        self.a, self.b = nn.Parameter(torch.randn(2, fan_in)), nn.Parameter(torch.zeros(fan_out, 2))

    def forward(self, x):
        return super().forward(x) + x @ self.a.T @ self.b.T


class Scale(nn.Module):
    """A layer that has parameters and no way to draw them."""

    def __init__(self, values):
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, x):
        return x * self.values


class Tied(nn.Module):
    """An embedding that is also the head, drawn in a way of its own."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
        self.head.weight = self.embed.weight
        self.apply(self._init_weights)

    def _init_weights(self, layer):
        if isinstance(layer, nn.Embedding | nn.Linear):
            nn.init.normal_(layer.weight, std=0.02)

    def forward(self, tokens):
        return self.head(self.embed(tokens))


def after_a_look(layer):
    """Old hooks leave a weight with a graph, and cannot be copied; a look without one mends it."""
    with torch.no_grad():
        layer(torch.zeros(1, layer.in_features))
    return layer


def symmetric():
    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

    layer = nn.Linear(6, 6)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


def pruned():
    layer = prune.l1_unstructured(nn.Linear(6, 8), "weight", amount=0.5)
    return after_a_look(layer)


NETS = {
    "mlp": lambda: mlp(6, 8, 3),
    "convolutions": convnet,
    "BatchNorm": resnet,
    "LayerNorm": lambda: resnet(norm="layer"),
    "attention": lambda: nn.MultiheadAttention(8, 2),
    "encoder": lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2
    ),
    "transformer": lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
    "recurrent": lambda: nn.LSTM(4, 8, 2),
    "new weight_norm": lambda: parametrizations.weight_norm(nn.Linear(6, 8)),
    "new spectral_norm": lambda: parametrizations.spectral_norm(nn.Linear(6, 8)),
    "orthogonal, tall": lambda: parametrizations.orthogonal(nn.Linear(6, 8)),
    "orthogonal, wide": lambda: parametrizations.orthogonal(nn.Linear(8, 6)),
    "orthogonal by reflections": lambda: parametrizations.orthogonal(
        nn.Linear(6, 8), orthogonal_map="householder", use_trivialization=False
    ),
    "parametrised without an inverse": symmetric,
    "twice parametrised": lambda: parametrizations.weight_norm(
        parametrizations.weight_norm(nn.Linear(6, 8)), "bias", dim=None
    ),
    "old weight_norm": lambda: after_a_look(weight_norm(nn.Linear(6, 8))),
    "old weight_norm, of all": lambda: after_a_look(weight_norm(nn.Linear(6, 8), dim=None)),
    "old spectral_norm": lambda: after_a_look(spectral_norm(nn.Linear(6, 8))),
    "pruned": pruned,
    "tied": Tied,
}


def shared(a: Weights, b: Weights) -> list[str]:
    """Tensors that two starts have in common, but for zeros and signs."""
    alike = {n: (t == b[n]) & (t != 0) & (t.abs() != 1) for n, t in a.items()}
    return [name for name, where in alike.items() if where.double().mean() > 0.05]


@pytest.mark.parametrize("kind", NETS)
def test_two_seeds_share_no_coordinate_and_one_seed_all(kind):
    model = NETS[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, again, b = (initial(model, seed=seed) for seed in (0, 0, 1))
    assert shared(a, b) == []
    assert same_point(a, again)


@pytest.mark.parametrize("kind", NETS)
def test_a_start_does_not_depend_on_the_weights_of_the_model(kind):
    model = NETS[kind]()
    before = initial(model, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3).add_(0.1)
    after = initial(model, seed=0)
    torch.testing.assert_close(dict(after), dict(before), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["new weight_norm", "old weight_norm", "old weight_norm, of all"])
def test_a_weight_of_its_length_and_direction_is_the_one_that_the_layer_drew(kind):
    model, plain = NETS[kind](), nn.Linear(6, 8)
    network = initial(model, seed=3).to(model)
    network(torch.zeros(1, 6))
    torch.testing.assert_close(network.weight.data, initial(plain, seed=3)["weight"])


@pytest.mark.parametrize("kind", ["new spectral_norm", "old spectral_norm"])
def test_a_fresh_spectral_norm_divides_by_the_largest_singular_value(kind):
    model = NETS[kind]()
    drawn = initial(nn.Linear(6, 8), seed=3)["weight"]
    network = initial(model, seed=3).to(model).eval()
    network(torch.zeros(1, 6))
    torch.testing.assert_close(
        network.weight.detach(), drawn / torch.linalg.matrix_norm(drawn, 2), rtol=0.02, atol=0.01
    )


def test_orthogonal_layers_are_drawn_around_the_same_base():
    model = NETS["orthogonal, tall"]()
    a, b = (initial(model, seed=seed) for seed in (0, 1))
    assert all(torch.equal(t, b.buffers[name]) for name, t in a.buffers.items())
    weight = a.to(model).weight.detach()
    torch.testing.assert_close(weight.mT @ weight, torch.eye(6))


def test_what_a_pruned_layer_lacks_it_lacks_in_every_start():
    model = pruned()
    network = initial(model, seed=0).to(model)
    network(torch.zeros(1, 6))
    assert torch.equal(network.weight == 0, model.weight_mask == 0)


def test_a_parameter_that_nothing_draws_is_shuffled_and_named():
    model = nn.Sequential(mlp(6, 8, 3), Scale(torch.randn(3, 40)))
    with pytest.warns(RuntimeWarning, match=r"another order \(1\.values\).*reset_parameters"):
        a = initial(model, seed=0)
    with pytest.warns(RuntimeWarning):
        b = initial(model, seed=1)
    assert shared(a, b) == []
    before = model[1].values.detach().flatten().sort().values
    assert torch.equal(a["1.values"].flatten().sort().values, before)


def test_a_part_that_a_layers_reset_does_not_know_is_named():
    with pytest.warns(RuntimeWarning, match=r"another order \(a\)"):
        a = initial(Lora(12, 8), seed=0)
    with pytest.warns(RuntimeWarning):
        assert shared(a, initial(Lora(12, 8), seed=1)) == []
    assert not a["b"].any()


def test_a_table_stays_and_is_named():
    with pytest.warns(RuntimeWarning, match=r"stay as they are \(values\)"):
        theta = initial(Scale(torch.arange(1.0, 65).log().expand(4, 64).clone()), seed=0)
    assert torch.equal(theta["values"][0], torch.arange(1.0, 65).log())


@pytest.mark.parametrize("values", [torch.ones(9), torch.eye(9), torch.tensor(0.7)])
def test_constants_stay_without_a_word(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(initial(Scale(values.clone()), seed=0)["values"], values)


def test_what_is_frozen_and_never_drawn_stays_without_a_word():
    model = Scale(torch.randn(50)).requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(initial(model, seed=0)["values"], model.values)


def test_a_network_that_begins_at_a_given_point_is_there_and_says_nothing():
    model = nn.Sequential(nn.Linear(2, 9), Scale(torch.randn(9)))
    start = Weights.of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same_point(Weights.of(fresh(model, start=start)), start)


def test_a_tied_head_is_drawn_as_its_network_says():
    tokens = torch.randint(50, (200,), generator=torch.Generator().manual_seed(0))
    network = initial(Tied(), seed=0).to(Tied())
    assert network.head.weight is network.embed.weight
    assert abs(float(network.embed.weight.detach().std()) - 0.02) < 0.002
    assert (
        abs(float(cross_entropy(network(tokens), tokens).detach()) - torch.tensor(50.0).log()) < 0.1
    )


@pytest.mark.parametrize("name", ["init_weights", "_init_weights", "_initialize_weights"])
def test_an_initialisation_of_ones_own_overrules_the_layers(name):
    def seven(network):
        nn.init.constant_(network.layer.weight, 7.0)

    own = type("Own", (nn.Module,), {name: seven})()
    own.layer = nn.Linear(3, 3)
    theta = initial(own, seed=0)
    assert (theta["layer.weight"] == 7).all()
    assert theta["layer.bias"].unique().numel() == 3


def test_an_initialisation_that_reaches_a_normalised_weight_counts():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = parametrizations.weight_norm(nn.Linear(3, 4))

        def init_weights(self):
            nn.init.constant_(self.layer.weight, 7.0)

    model = Own()
    assert torch.allclose(initial(model, seed=0).to(model).layer.weight, torch.tensor(7.0))


def test_an_initialisation_that_fails_is_told_and_the_layers_draw():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def init_weights(self, pretrained=None):
            raise FileNotFoundError("no checkpoint")

    with pytest.warns(RuntimeWarning, match=r"Own\.init_weights failed \(FileNotFound.*no check"):
        theta = initial(Own(), seed=0)
    torch.testing.assert_close(
        theta["layer.weight"], initial(nn.Linear(3, 3), seed=0)["weight"], rtol=0, atol=0
    )


def test_an_initialisation_that_asks_for_more_is_left_alone():
    class Own(nn.Linear):
        def init_weights(self, mean, std):
            raise AssertionError

    initial(Own(3, 3), seed=0)


def test_what_a_start_takes_over_is_what_nothing_draws():
    assert unchanged_by_reset(resnet()) == {}
    assert unchanged_by_reset(Tied()) == {}
    assert list(unchanged_by_reset(Lora(3, 4))) == ["a", "b"]
    assert unchanged_by_reset(parametrizations.weight_norm(nn.Linear(3, 4))) == {}


def test_an_initialisation_of_ones_own_counts_in_the_fingerprint():
    class Own(nn.Linear):
        pass

    before = digest(architecture(Own(3, 3)))
    Own.init_weights = Own.reset_parameters
    assert digest(architecture(Own(3, 3))) != before
    assert digest(architecture(Tied())) == digest(architecture(Tied()))


def test_plain_networks_are_drawn_as_their_layers_draw():
    torch.manual_seed(5)
    layers = [nn.Linear(64, 10), nn.Linear(784, 64)]  # the last layer draws first
    theta = initial(mlp(784, 64, 10), seed=5)
    assert torch.equal(theta["3.weight"], layers[0].weight)
    assert torch.equal(theta["1.bias"], layers[1].bias)


def test_the_class_token_of_torchvisions_transformer_is_a_constant_and_its_places_are_drawn():
    from torchvision.models import VisionTransformer

    model = VisionTransformer(32, 16, 1, num_heads=2, hidden_dim=48, mlp_dim=32)
    with pytest.warns(RuntimeWarning, match=r"another order \(encoder\.pos_embedding\)"):
        a = initial(model, seed=0)
    assert not a["class_token"].any()


# ---------------------------------------------------------------- networks of others


def gpt2():
    transformers = pytest.importorskip("transformers")
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 100, "n_positions": 16}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))


def bert():
    transformers = pytest.importorskip("transformers")
    sizes = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "vocab_size": 100,
    }  # fmt: skip
    return transformers.BertForSequenceClassification(transformers.BertConfig(**sizes))


def timms(name):
    timm = pytest.importorskip("timm")
    settings = {} if name == "mobilenetv3_small_050" else {"img_size": 32}
    return timm.create_model(name, num_classes=3, **settings)


OTHERS = {
    "GPT-2": gpt2,
    "BERT": bert,
    "vit": lambda: timms("vit_tiny_patch16_224"),
    "mixer": lambda: timms("gmixer_12_224"),
    "mobilenet": lambda: timms("mobilenetv3_small_050"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_two_seeds_of_a_library_share_no_coordinate(kind):
    model = OTHERS[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shared(initial(model, seed=0), initial(model, seed=1)) == []


@pytest.mark.parametrize("kind", sorted(OTHERS.keys() - {"mobilenet"}))
def test_a_library_draws_its_networks_as_it_made_them(kind):
    model = OTHERS[kind]()
    theta = initial(model, seed=0)
    for name, parameter in model.named_parameters():
        made, drawn = float(parameter.detach().std()), float(theta[name].std())
        assert parameter.numel() < 200 or abs(made - drawn) < 0.2 * made + 1e-9, name


def test_gpt2_begins_where_it_knows_nothing():
    model = gpt2().eval()
    tokens = torch.randint(100, (8, 16), generator=torch.Generator().manual_seed(0))
    losses = [
        float(network(tokens, labels=tokens).loss.detach())
        for network in (model, initial(model, seed=0).to(model).eval())
    ]
    assert abs(losses[1] - losses[0]) < 0.15
    assert abs(losses[1] - torch.tensor(100.0).log()) < 0.3


def test_a_checkpoint_that_was_read_is_drawn_anew(tmp_path):
    model = gpt2()
    model.save_pretrained(tmp_path)
    read = type(model).from_pretrained(tmp_path)
    assert same_point(initial(read, seed=0), initial(model, seed=0))
