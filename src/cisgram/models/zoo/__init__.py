"""One file per architecture, its paper and licence in its head."""

from cisgram.models.zoo.basset import basset
from cisgram.models.zoo.bd_10 import bd_10
from cisgram.models.zoo.deepbind import deepbind
from cisgram.models.zoo.demo_cnn import demo_cnn
from cisgram.models.zoo.demo_cnn_rnn import demo_cnn_rnn
from cisgram.models.zoo.demo_rnn import demo_rnn
from cisgram.models.zoo.dilated import dilated
from cisgram.models.zoo.explainn import explainn
from cisgram.models.zoo.kmer import kmer
from cisgram.models.zoo.pwm import pwm
from cisgram.models.zoo.transformer import transformer

__all__ = [
    "basset",
    "bd_10",
    "deepbind",
    "demo_cnn",
    "demo_cnn_rnn",
    "demo_rnn",
    "dilated",
    "explainn",
    "kmer",
    "pwm",
    "transformer",
]
