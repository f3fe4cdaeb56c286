"""Words, spacing, order and syntax trees of motifs; experiments that ask the model back."""

from cisgram.grammar.asking import ask
from cisgram.grammar.backgrounds import random_backgrounds, shuffled_backgrounds
from cisgram.grammar.check import check
from cisgram.grammar.context import context
from cisgram.grammar.cooperativity import cooperativity
from cisgram.grammar.copies import copies
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.flanks import flanks
from cisgram.grammar.found import Rules
from cisgram.grammar.insertion import insertion
from cisgram.grammar.knock_out import knock_out
from cisgram.grammar.necessity import necessity
from cisgram.grammar.order import order
from cisgram.grammar.orientation import orientation
from cisgram.grammar.placement import Placement
from cisgram.grammar.rule import Evidence, Rule
from cisgram.grammar.rules import rules
from cisgram.grammar.said import said
from cisgram.grammar.scales import SCALES
from cisgram.grammar.share import share
from cisgram.grammar.spacing import spacing
from cisgram.grammar.sufficiency import sufficiency
from cisgram.grammar.swap import swap
from cisgram.grammar.syntax import trees

__all__ = [
    "SCALES",
    "Arm",
    "Evidence",
    "Experiment",
    "Placement",
    "Rule",
    "Rules",
    "ask",
    "check",
    "context",
    "cooperativity",
    "copies",
    "flanks",
    "insertion",
    "knock_out",
    "necessity",
    "order",
    "orientation",
    "random_backgrounds",
    "rules",
    "said",
    "share",
    "shuffled_backgrounds",
    "spacing",
    "sufficiency",
    "swap",
    "trees",
]
