import pandas as pd
import pytest

from cisgram.core.errors import InputError
from cisgram.core.run import Run, job_of, versions

SETTINGS = {
    "data": {"positives": "a.fa", "test": None, "chromosomes": ("chr1", "chr2")},
    "model": {"name": "demo-cnn", "options": {}},
    "train": {"epochs": 5, "learning_rate": 3e-3},
}


@pytest.fixture
def positives(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nACGT\n")
    return path


@pytest.fixture
def run(tmp_path, positives):
    run = Run(tmp_path / "RUN")
    assert run.begin(SETTINGS, inputs={"positives": positives}) is False
    return run


def test_a_run_says_what_it_was_made_of(run, positives):
    found = run.read()
    assert found["settings"]["train"] == {"epochs": 5, "learning_rate": 3e-3}
    assert found["inputs"]["positives"]["path"] == str(positives)
    assert len(found["inputs"]["positives"]["sha256"]) == 64
    assert found["versions"] == versions()
    assert {"python", "torch", "numpy"} <= found["versions"].keys()
    assert found["command"]


def test_the_same_job_is_resumed_and_its_record_stays_as_it_was(run, positives):
    before = run.toml.read_bytes()
    assert run.begin(SETTINGS, inputs={"positives": positives}) is True
    assert run.toml.read_bytes() == before


def test_a_moved_input_with_the_same_bytes_is_the_same_job(run, positives):
    moved = positives.rename(positives.with_name("b.fa"))
    assert run.begin(SETTINGS, inputs={"positives": moved}) is True


def test_other_settings_are_refused_by_name(run, positives):
    other = SETTINGS | {"train": {"epochs": 6, "learning_rate": 3e-3, "seed": 1}}
    with pytest.raises(
        InputError, match=r"another run; it differs in train\.epochs, train\.seed\..*-o"
    ):
        run.begin(other, inputs={"positives": positives})


def test_settings_of_a_free_group_are_renewed_without_a_refusal(run, positives):
    before = run.read()
    other = SETTINGS | {"motifs": {"max_q": 0.1}}
    with pytest.raises(InputError, match=r"differs in motifs\.max_q"):
        run.begin(other, inputs={"positives": positives})
    assert run.begin(other, inputs={"positives": positives}, free=("motifs",)) is True
    after = run.read()
    assert after["settings"].pop("motifs") == {"max_q": 0.1}
    assert after == before


def test_a_setting_that_is_younger_than_the_run_had_its_default(run, positives):
    train = SETTINGS["train"] | {"shuffle": True}
    job = job_of(SETTINGS | {"train": train}, inputs={"positives": positives})
    defaults = {"train": {"shuffle": True, "epochs": 9, "clip": None}}
    assert run.holds(job, defaults=defaults) is True
    job = job_of(SETTINGS | {"train": train | {"shuffle": False}}, inputs={"positives": positives})
    with pytest.raises(InputError, match=r"differs in train\.shuffle\."):
        run.holds(job, defaults=defaults)


def test_other_bytes_of_an_input_are_refused(run, positives):
    positives.write_text(">a\nACGA\n")
    with pytest.raises(InputError, match="differs in the bytes of positives"):
        run.begin(SETTINGS, inputs={"positives": positives})


def test_an_input_more_or_less_is_another_job(run, positives):
    with pytest.raises(InputError, match="the bytes of positives"):
        run.begin(SETTINGS, inputs={})
    with pytest.raises(InputError, match="the bytes of test"):
        run.begin(SETTINGS, inputs={"positives": positives, "test": positives})


@pytest.mark.parametrize(
    "content",
    ["settings = 3\ninputs = 4\n", "inputs = {positives = 3}\n", "", "[settings]\ndata = [1]\n"],
)
def test_a_record_that_was_edited_by_hand_is_another_run(run, positives, content):
    run.toml.write_text(content)
    with pytest.raises(InputError, match="holds another run"):
        run.begin(SETTINGS, inputs={"positives": positives})


def test_a_folder_that_is_not_ours_is_never_written_into(tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(InputError, match="not a run of ours"):
        Run(tmp_path).begin(SETTINGS, inputs={})
    with pytest.raises(InputError, match="not a run of ours"):
        Run(tmp_path / "thesis.doc").begin(SETTINGS, inputs={})
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_an_empty_folder_will_do(tmp_path):
    assert Run(tmp_path).begin(SETTINGS, inputs={}) is False


def test_a_folder_that_is_no_run_is_refused_with_the_commands_that_make_one(tmp_path):
    with pytest.raises(InputError, match=r"holds no run\.toml.*cisgram train -o"):
        Run(tmp_path).read()


def test_members_are_counted_until_the_first_that_is_not_there(run):
    for name in ("model", "model-2", "model-4"):
        (run.path / name).mkdir()
        (run.path / name / "model.toml").touch()
    assert [p.name for p in run.members()] == ["model", "model-2"]


def test_a_table_comes_back_with_names_that_look_like_missing_values(run):
    table = pd.DataFrame({"name": ["NA", "null", "chr1:2-3"], "p": [0.5, None, 1e-300]})
    run.write_table("data/split.tsv", table)
    assert (run.path / "data" / "split.tsv").read_text().startswith("name\tp\nNA\t0.5\nnull\t\n")
    pd.testing.assert_frame_equal(run.read_table("data/split.tsv"), table)


@pytest.mark.parametrize("content", [b"", b"a\tb\n1\t2\n1\t2\t3\t4\n", b"a\n\xff\xfe\n"])
def test_a_damaged_table_is_refused_by_name(run, content):
    (run.path / "history.tsv").write_bytes(content)
    with pytest.raises(InputError, match=r"history\.tsv is not a table"):
        run.read_table("history.tsv")


def test_a_table_that_is_not_there_names_the_missing_step(run):
    with pytest.raises(InputError, match="the step that writes it has not run"):
        run.read_table("history.tsv")
