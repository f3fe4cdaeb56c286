"""One file per architecture, its paper and licence in its head."""

from cisgram.models.zoo.ai_tac import ai_tac
from cisgram.models.zoo.basset import basset
from cisgram.models.zoo.bd_10 import bd_10
from cisgram.models.zoo.bpnet_profile import bpnet_profile
from cisgram.models.zoo.chrombpnet import chrombpnet
from cisgram.models.zoo.conv_attention import conv_attention
from cisgram.models.zoo.danq import danq
from cisgram.models.zoo.deepbind import deepbind
from cisgram.models.zoo.deepcpg import deepcpg
from cisgram.models.zoo.deepcpg_cpg import deepcpg_cpg
from cisgram.models.zoo.deepcpg_dna import deepcpg_dna
from cisgram.models.zoo.deepsea import deepsea
from cisgram.models.zoo.deepstarr import deepstarr
from cisgram.models.zoo.demo_cnn import demo_cnn
from cisgram.models.zoo.demo_cnn_rnn import demo_cnn_rnn
from cisgram.models.zoo.demo_rnn import demo_rnn
from cisgram.models.zoo.dilated import dilated
from cisgram.models.zoo.explainn import explainn
from cisgram.models.zoo.kmer import kmer
from cisgram.models.zoo.kmer_transformer import kmer_transformer
from cisgram.models.zoo.legnet import legnet
from cisgram.models.zoo.multi_view import multi_view
from cisgram.models.zoo.pwm import pwm
from cisgram.models.zoo.transformer import transformer

__all__ = [
    "ai_tac",
    "basset",
    "bd_10",
    "bpnet_profile",
    "chrombpnet",
    "conv_attention",
    "danq",
    "deepbind",
    "deepcpg",
    "deepcpg_cpg",
    "deepcpg_dna",
    "deepsea",
    "deepstarr",
    "demo_cnn",
    "demo_cnn_rnn",
    "demo_rnn",
    "dilated",
    "explainn",
    "kmer",
    "kmer_transformer",
    "legnet",
    "multi_view",
    "pwm",
    "transformer",
]
