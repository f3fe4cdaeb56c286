"""The steps of a run, each from files to files: what a command, or the dashboard, starts."""

from cisgram.steps import benchmark, demo
from cisgram.steps.baselines import baselines_run
from cisgram.steps.datasets import DATASETS
from cisgram.steps.demix import demix_run
from cisgram.steps.demix_compare import compare_demixed
from cisgram.steps.distill import DistillOptions, distill_run, student_settings
from cisgram.steps.explain import FIELDS, explain_run
from cisgram.steps.exports import export_run
from cisgram.steps.generate import (
    FeedbackOptions,
    GenerateOptions,
    feedback_run,
    generate_run,
    maximize_run,
    sample_run,
    write_samples,
)
from cisgram.steps.grammar import GrammarOptions, grammar_run
from cisgram.steps.impute import ImputeOptions, impute_run
from cisgram.steps.interact import InteractOptions, interact_run
from cisgram.steps.method_options import read_options
from cisgram.steps.motifs import motifs_run, named_motifs
from cisgram.steps.pipeline import Outcome, run_all
from cisgram.steps.predict import evaluate_again, evaluate_file, predict_file
from cisgram.steps.pretrain import PretrainRunOptions, embed_file, pretrain_run
from cisgram.steps.search_space import space_of
from cisgram.steps.settings import (
    Settings,
    check_predictor,
    described,
    from_file,
    resolve,
    settings_of,
)
from cisgram.steps.start import from_model, start_words
from cisgram.steps.train import evaluate_run, train_run
from cisgram.steps.trust import trust_run
from cisgram.steps.tune import tune_run

__all__ = [
    "DATASETS",
    "FIELDS",
    "DistillOptions",
    "FeedbackOptions",
    "GenerateOptions",
    "GrammarOptions",
    "ImputeOptions",
    "InteractOptions",
    "Outcome",
    "PretrainRunOptions",
    "Settings",
    "baselines_run",
    "benchmark",
    "check_predictor",
    "compare_demixed",
    "demix_run",
    "demo",
    "described",
    "distill_run",
    "embed_file",
    "evaluate_again",
    "evaluate_file",
    "evaluate_run",
    "explain_run",
    "export_run",
    "feedback_run",
    "from_file",
    "from_model",
    "generate_run",
    "grammar_run",
    "impute_run",
    "interact_run",
    "maximize_run",
    "motifs_run",
    "named_motifs",
    "predict_file",
    "pretrain_run",
    "read_options",
    "resolve",
    "run_all",
    "sample_run",
    "settings_of",
    "space_of",
    "start_words",
    "student_settings",
    "train_run",
    "trust_run",
    "tune_run",
    "write_samples",
]
