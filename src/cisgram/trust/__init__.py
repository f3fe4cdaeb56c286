"""How far a model and its explanations can be trusted, each danger by its name."""

from cisgram.trust.baselines import Baseline, Labeled, composition_baselines, word_baseline
from cisgram.trust.calibration import brier_parts, calibration_error, reliability
from cisgram.trust.conformal import Coverage, interval_coverage, set_coverage
from cisgram.trust.flag import Flag, flag_table
from cisgram.trust.neighborhood import neighbor_baselines
from cisgram.trust.one_motif import best_sites, chosen_motif, motif_baseline, short_enough
from cisgram.trust.randomization import likeness, rank_agreement
from cisgram.trust.removal import area, backgrounds, deletion, insertion, random_deletion
from cisgram.trust.sensitivity import losses, sensitivity, subsets
from cisgram.trust.shortcuts import compare, gc_matched, shortcut_flags
from cisgram.trust.stability import (
    attribution_agreement,
    member_share,
    motif_recurrence,
    prediction_agreement,
)
from cisgram.trust.strata import partial_pearson, stratified_auroc

__all__ = [
    "Baseline",
    "Coverage",
    "Flag",
    "Labeled",
    "area",
    "attribution_agreement",
    "backgrounds",
    "best_sites",
    "brier_parts",
    "calibration_error",
    "chosen_motif",
    "compare",
    "composition_baselines",
    "deletion",
    "flag_table",
    "gc_matched",
    "insertion",
    "interval_coverage",
    "likeness",
    "losses",
    "member_share",
    "motif_baseline",
    "motif_recurrence",
    "neighbor_baselines",
    "partial_pearson",
    "prediction_agreement",
    "random_deletion",
    "rank_agreement",
    "reliability",
    "sensitivity",
    "set_coverage",
    "short_enough",
    "shortcut_flags",
    "stratified_auroc",
    "subsets",
    "word_baseline",
]
