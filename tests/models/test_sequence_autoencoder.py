"""Autoencoders whose encoder is a network of the zoo."""

import numpy as np
import pytest
import torch

import planted
from cisgram.core.errors import InputError
from cisgram.models import create
from cisgram.models.sequence_autoencoder import SequenceAutoencoder, maps_module
from cisgram.models.transfer import put_part
from cisgram.train.pretrain import PretrainOptions, fit_sequences

QUICK = {"epochs": 4, "latent": 4, "channels": 16, "learning_rate": 3e-3}


def network(kind="denoising", length=40):
    torch.manual_seed(0)
    inner = create("demo-cnn", size="small", dropout=0.0)
    return SequenceAutoencoder(inner, length, kind=kind, latent=4, channels=16)


def test_the_maps_are_the_last_along_the_sequence():
    assert maps_module(create("basset", length=400), length=400) == "features.11"
    assert maps_module(create("dilated", layers=2), length=30) == "activation"
    assert maps_module(create("demo-cnn-rnn"), length=60).startswith("conv")
    for name in ("kmer", "demo-rnn"):
        with pytest.raises(InputError, match="convolutional"):
            maps_module(create(name), length=30)


def repeated(n, length=40, seed=0):
    """Sequences of one motif of four letters, over and over, from a random place on."""
    random = np.random.default_rng(seed)
    word = np.tile([0, 1, 2, 3, 3], length)
    return np.stack([word[s : s + length] for s in random.integers(0, 5, n)]).astype(np.uint8)


def test_hidden_letters_are_guessed_from_those_around_them():
    net = network()
    state = fit_sequences(net, repeated(200), PretrainOptions(**QUICK), valid=repeated(50, seed=1))
    assert state.history[0]["valid_loss"] < 1.4
    assert state.history[-1]["valid_loss"] < 0.2


def test_a_hidden_letter_does_not_reach_the_network():
    net = network().eval()
    codes = torch.from_numpy(repeated(2)).long()
    from cisgram.train.pretrain import _loss

    hide = torch.zeros(2, 40, dtype=torch.bool)
    hide[:, 7] = True
    other = codes.clone()
    other[:, 7] = (other[:, 7] + 1) % 4
    seen = [_loss(net, c, hide, PretrainOptions(), 1.0)[1] for c in (codes, other)]
    torch.testing.assert_close(*seen)
    hide[:, 7] = False
    seen = [_loss(net, c, hide, PretrainOptions(), 1.0)[1] for c in (codes, other)]
    assert not torch.equal(*seen)


def test_coordinates_of_a_variational_network_tell_sequences_apart():
    net = network("variational")
    options = PretrainOptions(**QUICK | {"kind": "variational", "epochs": 12})
    valid = repeated(100, seed=1)
    state = fit_sequences(net, repeated(300), options, valid=valid)
    best = state.history[state.best_epoch - 1]
    assert best["divergence"] > 1.0  # five places in the word: log 5 = 1.6 nats
    assert best["active"] >= 1
    assert best["valid_loss"] < 0.7


def test_features_of_the_encoder_start_another_training():
    net = network()
    fit_sequences(net, repeated(60), PretrainOptions(**QUICK | {"epochs": 1}), valid=repeated(20))
    fresh = create("demo-cnn", size="small")
    put = put_part(fresh, net.network.state_dict(), "features", length=40, source="here")
    assert "features.0.weight" in put
    assert torch.equal(fresh.features[0].weight, net.network.features[0].weight)


def test_sequences_of_another_length_are_refused():
    with pytest.raises(InputError, match="reads 40 bp"):
        fit_sequences(
            network(), planted.codes(8, 30), PretrainOptions(), valid=planted.codes(8, 30)
        )
