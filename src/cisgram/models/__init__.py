"""Models of sequence: the zoo, prediction, checkpoints, import of your own."""

from cisgram.models import zoo
from cisgram.models.base import MODELS, create
from cisgram.models.checkpoint import (
    Card,
    build,
    load,
    put_weights,
    read_card,
    read_tensors,
    save,
    write_tensors,
)
from cisgram.models.foreign import from_callable, read_weights
from cisgram.models.predict import predict
from cisgram.models.state import device_of, untouched
from cisgram.models.strands import BothStrands, tie_strands
from cisgram.models.thinned import predict_samples

__all__ = [
    "MODELS",
    "BothStrands",
    "Card",
    "build",
    "create",
    "device_of",
    "from_callable",
    "load",
    "predict",
    "predict_samples",
    "put_weights",
    "read_card",
    "read_tensors",
    "read_weights",
    "save",
    "tie_strands",
    "untouched",
    "write_tensors",
    "zoo",
]
