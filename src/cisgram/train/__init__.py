"""Training and honest evaluation of any model of the zoo or of your own."""

from cisgram.train import metrics
from cisgram.train.loop import check_choice, fit, learning_rate
from cisgram.train.losses import loss_function
from cisgram.train.options import AS_PUBLISHED, ModelOptions, TrainOptions
from cisgram.train.state import State

__all__ = [
    "AS_PUBLISHED",
    "ModelOptions",
    "State",
    "TrainOptions",
    "check_choice",
    "fit",
    "learning_rate",
    "loss_function",
    "metrics",
]
