"""Training and honest evaluation of any model of the zoo or of your own."""

from cisgram.train import metrics
from cisgram.train.check import check_regime
from cisgram.train.choice import check_choice, chosen_by, score_of
from cisgram.train.loop import fit
from cisgram.train.losses import loss_function
from cisgram.train.optimizer import learning_rate, make_optimizer, weight_decay
from cisgram.train.options import AS_PUBLISHED, ModelOptions, TrainOptions
from cisgram.train.stages import fit_in_stages
from cisgram.train.state import State
from cisgram.train.tasks import TASKS, Task, loss_of_task, scores_of

__all__ = [
    "AS_PUBLISHED",
    "TASKS",
    "ModelOptions",
    "State",
    "Task",
    "TrainOptions",
    "check_choice",
    "check_regime",
    "chosen_by",
    "fit",
    "fit_in_stages",
    "learning_rate",
    "loss_function",
    "loss_of_task",
    "make_optimizer",
    "metrics",
    "score_of",
    "scores_of",
    "weight_decay",
]
