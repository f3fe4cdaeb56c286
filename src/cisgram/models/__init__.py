"""Models of sequence: the zoo, prediction, checkpoints, import of your own."""

from cisgram.models import zoo
from cisgram.models.base import MODELS, create
from cisgram.models.checkpoint import (
    Card,
    FieldShape,
    build,
    load,
    put_weights,
    read_card,
    read_tensors,
    save,
    write_tensors,
)
from cisgram.models.foreign import from_callable, read_weights
from cisgram.models.held import Held, fields_of
from cisgram.models.masked import MaskedLinear
from cisgram.models.motif_filters import MotifFilter, put_motifs, release_motifs
from cisgram.models.predict import predict
from cisgram.models.state import device_of, untouched
from cisgram.models.strands import BothStrands, tie_strands
from cisgram.models.thinned import predict_samples
from cisgram.models.visible import Ontology, VisibleNetwork, visible_loss

__all__ = [
    "MODELS",
    "BothStrands",
    "Card",
    "FieldShape",
    "Held",
    "MaskedLinear",
    "MotifFilter",
    "Ontology",
    "VisibleNetwork",
    "build",
    "create",
    "device_of",
    "fields_of",
    "from_callable",
    "load",
    "predict",
    "predict_samples",
    "put_motifs",
    "put_weights",
    "read_card",
    "read_tensors",
    "read_weights",
    "release_motifs",
    "save",
    "tie_strands",
    "untouched",
    "visible_loss",
    "write_tensors",
    "zoo",
]
