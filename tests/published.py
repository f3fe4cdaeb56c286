"""Networks that others published, built from their files in the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

KERAS_EPSILON = 1e-3  # of its batch norm


def neuronmotif_demo1(data_dir: Path) -> nn.Sequential:
    """The authors' first toy network: one E-box at two offsets; 8 bp to a logit."""
    weights = _weights(data_dir / "neuronmotif-demo/demo1/weight.hdf5")
    net = nn.Sequential(
        nn.Conv1d(4, 3, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(3, 1, 2), nn.Flatten()
    )
    _set_conv(net[0], weights["conv1d_1"])
    _set_conv(net[3], weights["conv1d_2"])
    return net.eval()


def neuronmotif_demo2(data_dir: Path) -> nn.Sequential:
    """The authors' second toy network: two CTCF sites at free distances; 82 bp to a logit."""
    weights = _weights(data_dir / "neuronmotif-demo/demo2/weight.hdf5")
    layers: list[nn.Module] = []
    before = 4
    for i, (filters, width) in enumerate([(5, 7), (5, 3), (6, 3), (6, 3), (1, 3)], 1):
        conv, norm = nn.Conv1d(before, filters, width), nn.BatchNorm1d(filters, eps=KERAS_EPSILON)
        _set_conv(conv, weights[f"conv1d_{i}"])
        own = weights[f"batch_normalization_{i}"]
        norm.load_state_dict(
            {
                "weight": own["gamma:0"],
                "bias": own["beta:0"],
                "running_mean": own["moving_mean:0"],
                "running_var": own["moving_variance:0"],
                "num_batches_tracked": torch.tensor(0),
            }
        )
        layers += [conv, norm]
        layers += [nn.ReLU(), nn.MaxPool1d(2)] if i < 5 else [nn.Flatten()]
        before = filters
    return nn.Sequential(*layers).eval()


INTERACTION_SIM = {  # the words that the authors planted, as the sequences have them
    "SIX5": "AATAGGGTATCATATAT",
    "ELF1": "AACCCGGAAGTG",
    "TAL1": "CTGAACAGATGGTCGG",
    "AP1": "ATGAGTCACC",
}


def interaction_sim(data_dir: Path) -> nn.Sequential:
    """The authors' network of the DFIM paper (Keras 0.3): 200 bp to the logit of "both motifs"."""
    h5py = pytest.importorskip("h5py")
    path = data_dir / "interaction-sim" / "model_weights.h5"
    if not path.is_file():
        pytest.skip("interaction-sim is not there")
    net = interaction_sim_network()
    with h5py.File(path) as file:
        layers = {
            i: [torch.tensor(file[f"layer_{i}/param_{k}"][()]) for k in (0, 1)] for i in (0, 3, 5)
        }
    kernel, bias = layers[0]  # (out, in, width, 1); Theano's convolution turns the kernel round
    weights = (kernel[..., 0].flip(2), layers[3][0].T, layers[5][0].T)
    with torch.no_grad():
        for module, weight, b in zip(
            (net[0], net[4], net[7]), weights, (bias, layers[3][1], layers[5][1]), strict=True
        ):
            module.weight.copy_(weight)
            module.bias.copy_(b)
    return net.eval()


def interaction_sim_network() -> nn.Sequential:
    """The architecture of that network, with weights of its own."""
    return nn.Sequential(
        nn.Conv1d(4, 40, 19),
        nn.ReLU(),
        nn.MaxPool1d(10),
        _PositionsFirst(),
        nn.Linear(720, 250),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(250, 1),
    )


class _PositionsFirst(nn.Module):
    """Flattens as Keras does."""

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h.transpose(1, 2).flatten(1)


def _weights(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    h5py = pytest.importorskip("h5py")
    if not path.is_file():
        pytest.skip(f"{path.name} of NeuronMotif's demo is not there")
    with h5py.File(path) as file:
        groups = file["model_weights"]
        return {
            name: {k: torch.tensor(v[:]) for k, v in groups[name][name].items()}
            for name in groups
            if name in groups[name]
        }


def _set_conv(conv: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    kernel = weights["kernel:0"].permute(2, 1, 0).contiguous()  # Keras: (width, in, out)
    conv.load_state_dict({"weight": kernel, "bias": weights["bias:0"]})
