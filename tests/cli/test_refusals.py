"""What is wrong ends in one paragraph and its exit status: wanted, came, what to do."""

import pickle
import re
import shutil

import pytest

import planted
from cisgram.steps.motifs import SOURCES
from cli.running import OPTIONS, cisgram


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A folder with a table, a FASTA, a motif file, a copy of a run, and bad relatives of them."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    planted.write_fasta(tmp_path / "x.fa", planted.letters(4))
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("not a table\n")
    (tmp_path / "empty.fa").write_text("")
    (tmp_path / "code.pkl").write_bytes(pickle.dumps({"w": print}))
    (tmp_path / "bad.toml").write_text('[data]\npositives = "a.tsv"\n[train\nepochs = 3\n')
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "typo.toml").write_text('[data]\npositives = "a.tsv"\n[train]\nepoch = 3\n')
    (tmp_path / "type.toml").write_text('[data]\npositives = "a.tsv"\n[train]\nepochs = "3"\n')
    (tmp_path / "group.toml").write_text('train = 3\n[data]\npositives = "a.tsv"\n')
    (tmp_path / "none.toml").write_text("")
    (tmp_path / "nan.toml").write_text(
        '[data]\npositives = "a.tsv"\n[train]\nlearning_rate = nan\n'
    )
    (tmp_path / "good.toml").write_text('[data]\npositives = "a.tsv"\n')
    return tmp_path


def damage(path, content):
    def do(here):
        (here / path).write_bytes(content)

    return do


def gone(path):
    return lambda here: (here / path).unlink()


TRAIN = "train --positives a.tsv -o NEW"
# command, what happens before it, what the message says
WRONG = [
    ("train -o NEW", None, r"Missing option --positives"),
    ("train --positives a.tsv", None, r"Missing option -o"),
    ("traim --positives a.tsv -o NEW", None, r"No such command 'traim'"),
    (f"{TRAIN} --postives b.tsv", None, r"No such option"),
    (f"{TRAIN} --model deepbnd", None, r"No model named 'deepbnd'\. Did you mean 'deepbind'\?"),
    (f"{TRAIN} --model nowhere:net", None, r"Cannot import nowhere:net.*Run from the folder"),
    (f"{TRAIN} --set train.epoch=3", None, r"Did you mean 'train\.epochs'\?"),
    (f"{TRAIN} --set epochs", None, r"looks like group\.name=value; got 'epochs'"),
    (f"{TRAIN} --epochs 0", None, r"scores weights as they are; give them all, with --weights"),
    ("explain ism RUN --most 2 -o folder/..", None, r"exists and holds no explanation"),
    ("scan jaspar:fishes x.fa", None, r"No taxon of JASPAR2024 named 'fishes'"),
    (f"{TRAIN} --set =3", None, r"looks like group\.name=value"),
    (f"{TRAIN} --set train=3", None, r"train: .*got 3"),
    (f"{TRAIN} --set train.epochs.x=3", None, r"train\.epochs"),
    (f"{TRAIN} --set train.epochs=many", None, r"train\.epochs: .*integer.*got 'many'"),
    (f"{TRAIN} --set train.optimizer=adamm", None, r"'adamw', 'adam' or 'sgd', got 'adamm'"),
    (f"{TRAIN} --set model.options.widthh=9 --model deepbind", None, r"Did you mean 'width'\?"),
    (f"{TRAIN} --length -5", None, r"data\.length: .*greater than or equal to 4, got -5"),
    (f"{TRAIN} --seeds 0", None, r"train\.seeds: .*greater than or equal to 1, got 0"),
    (f"{TRAIN} --folds 1", None, r"one member would lose all of it"),
    (f"{TRAIN} --folds 3 --seeds 3", None, r"give --seeds or --folds, not both"),
    (f"{TRAIN} --seed -1", None, r"train\.seed: .*greater than or equal to 0, got -1"),
    (f"{TRAIN} --seed one", None, r"'one' is not a valid integer"),
    (f"{TRAIN} --epochs -1", None, r"train\.epochs: .*got -1"),
    (f"{TRAIN} --max-positives 0", None, r"data\.max_positives: .*got 0"),
    (f"{TRAIN} --device tpu", None, r"'tpu' is not one of"),
    (f"{TRAIN} --negatives shuffle", None, r"holds labels of both kinds; give no negatives"),
    (f"{TRAIN} --test-chromosomes chr1", None, r"tells no chromosomes; hold out by fraction"),
    (f"{TRAIN} --test nowhere.fa", None, r"test file nowhere\.fa does not exist"),
    (f"{TRAIN} --genome folder", None, r"genome file folder is a folder"),
    ("train --positives nowhere.fa -o NEW", None, r"nowhere\.fa does not exist"),
    ("train --positives folder -o NEW", None, r"positives file folder is a folder"),
    ("train --positives notes.txt -o NEW", None, r"notes\.txt is none of the forms"),
    ("train --positives empty.fa -o NEW", None, r"empty\.fa"),
    ("train --positives a.tsv -o folder/../x.fa", None, r"x\.fa exists and is not a run of ours"),
    ("train --positives a.tsv -o .", None, r"not a run of ours\. Choose an empty or new folder"),
    ("train --positives a.tsv -o RUN", None, r"RUN holds another run; it differs in"),
    (f"{TRAIN} --weights x.fa", None, r"x\.fa is damaged or no safetensors file"),
    (f"{TRAIN} --weights RUN/model/weights.safetensors", None, r"does not fit the model"),
    ("run nowhere.toml -o NEW", None, r"nowhere\.toml does not exist"),
    ("run folder -o NEW", None, r"Cannot read folder: Is a directory"),
    ("run good.toml", None, r"Missing option -o"),
    ("run good.toml --model deepbind -o NEW", None, r"Give CONFIG or the options"),
    ("run good.toml --as-published -o NEW", None, r"Give CONFIG or the options"),
    ("run bad.toml -o NEW", None, r"bad\.toml is not TOML: .*line 3"),
    ("run bytes.toml -o NEW", None, r"bytes\.toml is not TOML"),
    ("run typo.toml -o NEW", None, r"typo\.toml: .*'train\.epoch'\. Did you mean 'train\.epochs'"),
    ("run type.toml -o NEW", None, r"type\.toml: train\.epochs: .*integer, got '3'"),
    ("run group.toml -o NEW", None, r"group\.toml: train: "),
    ("run none.toml -o NEW", None, r"none\.toml: data: field required"),
    ("run nan.toml -o NEW", None, r"nan\.toml: train\.learning_rate: .*finite"),
    ("evaluate folder", None, r"folder is not a run"),
    ("evaluate nowhere", None, r"nowhere"),
    ("evaluate RUN --sequences x.fa", None, r"holds no labels to evaluate against"),
    ("evaluate RUN", gone("a.tsv"), r"positives file .* does not exist"),
    (
        "evaluate RUN --sequences a.tsv",
        damage("RUN/metrics.json", b"[]"),
        r"RUN/metrics\.json .*not.* of a run.*cisgram evaluate RUN",
    ),
    (
        "evaluate RUN --sequences a.tsv",
        damage("RUN/metrics.json", b'{"valid": {"per_output": [3, {"threshold": "a"}]}}'),
        r"RUN/metrics\.json .*not.* of a run.*cisgram evaluate RUN",
    ),
    (
        "evaluate RUN --sequences a.tsv",
        damage("RUN/metrics.json", b'{"valid": {"per_output": []}}'),
        r"RUN/metrics\.json .*not.* of a run.*cisgram evaluate RUN",
    ),
    (f"predict {'x' * 300}.fa --sequences x.fa", None, r"Cannot use x+\.fa.*: File name too long"),
    ("predict RUN --sequences x.fa --device tpu", None, r"'tpu' is not one of"),
    ("predict RUN", None, r"Missing option '--sequences'"),
    ("predict RUN --sequences nowhere.fa", None, r"nowhere\.fa does not exist"),
    ("predict folder --sequences x.fa", None, r"folder is not a run"),
    ("predict RUN --sequences x.fa -o folder", None, r"Cannot write folder: Is a directory"),
    ("predict RUN --sequences x.fa", damage("RUN/run.toml", b"["), r"run\.toml is not TOML"),
    ("predict RUN --sequences x.fa", damage("RUN/model/model.toml", b"x"), r"is not TOML"),
    ("predict RUN --sequences x.fa", damage("RUN/model/model.toml", b"x=1"), r"field required"),
    (
        "predict RUN --sequences x.fa",
        damage("RUN/model/weights.safetensors", b"\0" * 40),
        r"weights\.safetensors is damaged or no safetensors file",
    ),
    (
        "predict RUN --sequences x.fa",
        gone("RUN/model/weights.safetensors"),
        r"Cannot read RUN/model/weights\.safetensors: No such file",
    ),
    ("explain isn RUN", None, r"No .*'isn'\. Did you mean 'ism'\?"),
    ("explain ism folder", None, r"folder is not a run"),
    ("explain ism RUN --target 3", None, r"one output, bound; got the target 3\. Leave it out"),
    ("explain ism RUN --target bond", None, r"No output named 'bond'\. Did you mean 'bound'\?"),
    ("explain ism RUN --most 0", None, r"0 is not in the range"),
    ("explain saliency RUN -O correctedx=true", None, r"Did you mean 'corrected'\?"),
    ("explain saliency RUN -O corrected=1", None, r"must be true or false; got 1"),
    ("explain saliency RUN -O corrected", None, r"looks like -O name=value; got 'corrected'"),
    ("explain saliency RUN -O target=0", None, r"No option of saliency named 'target'"),
    ("explain temporal RUN --most 2", None, r"no recurrent layer"),
    ("explain class_optimization RUN", None, r"gives an optimum, not scores.* --source class_opt"),
    ("explain dfim RUN", None, r"gives a table, not scores.*cisgram interact RUN --method dfim"),
    ("explain motif_mutation RUN", None, r"gives a table, not .*motif_mutation in Python\.$"),
    ("explain smoothgrad RUN -O samples=3 -O samples=4", None, r"-O gives samples twice"),
    ("motifs RUN --source filtres", None, r"Did you mean 'filters'\?"),
    ("motifs RUN --database jaspar:vertebrate", None, r"vertebrates"),
    ("motifs RUN --convention baset", None, r"Did you mean 'basset"),
    ("motifs RUN --source demix --convention basset", None, r"motifs of demix have none"),
    ("export folder --format meme -o x.meme", None, r"folder is not a run"),
    ("export RUN --format meme --method ism -o x.meme", None, r"takes no scores; leave the method"),
    ("demix RUN --layer conv1 --neuron 0 --parts 50", None, r"parts must be from 1 to 10, the bp"),
    ("motifs folder", None, r"folder is not a run"),
    ("report folder", None, r"folder is not a run"),
    ("tomtom nowhere.meme", None, r"nowhere\.meme: No such file"),
    ("tomtom notes.txt", None, r"notes\.txt"),
    ("scan notes.txt x.fa", None, r"notes\.txt"),
    ("list modelz", None, r"'modelz' is not one of"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "before", "said"), WRONG, ids=[f"{i}: {row[0]}" for i, row in enumerate(WRONG)]
)
def test_wrong_use_exits_2_with_one_paragraph(here, command, before, said):
    if before is not None:
        before(here)
    done = cisgram(*command.split())
    assert done.status == 2, done
    assert done.out == ""
    paragraph = done.err.split("\n\n")[-1].strip().splitlines()[-1]
    assert re.search(said, paragraph), done.err
    assert paragraph.startswith("Error: ")
    assert "Traceback" not in done.err
    assert not (here / "NEW").exists()


def test_the_help_of_motifs_names_every_source():
    said = cisgram("motifs", "--help").out
    assert [name for name in SOURCES if name not in said] == []


@pytest.mark.parametrize(
    "command", ["predict RUN --sequences x.fa", "evaluate RUN --sequences a.tsv"]
)
def test_a_pickle_in_the_place_of_weights_is_refused_as_unsafe(here, command):
    shutil.copy("code.pkl", "RUN/model/weights.safetensors")
    done = cisgram(*command.split())
    assert done.status == 5
    assert "is a pickle, which could run code" in done.err


def test_a_model_that_is_no_model_is_refused_as_unsafe(here):
    done = cisgram(*f"{TRAIN} --model os:getcwd".split())
    assert done.status == 5
    assert "os:getcwd is refused" in done.err


def test_weights_that_hold_more_than_weights_are_refused_as_unsafe(here):
    import torch

    torch.save({"w": torch.nn.Linear(2, 2)}, here / "code.pt")
    done = cisgram(*f"{TRAIN} --weights code.pt".split())
    assert done.status == 5
    assert "opening it could run code" in done.err
    assert not (here / "NEW").exists()


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"PK\3\4", b"{"])
def test_a_broken_checkpoint_is_refused_with_the_remedy(here, content):
    (here / "RUN" / "model" / "model.toml").unlink()
    (here / "RUN" / "metrics.json").unlink()
    (here / "RUN" / "model" / "checkpoint.safetensors").write_bytes(content)
    done = cisgram("train", "--positives", "a.tsv", "-o", "RUN", *OPTIONS)
    assert done.status in (2, 5)
    assert "checkpoint.safetensors" in done.err
    assert "Traceback" not in done.err
    if done.status == 2:
        assert "Delete it to begin again" in done.err
