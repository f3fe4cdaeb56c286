import errno
import os
import subprocess
from pathlib import Path

import pytest

from cisgram.core import files
from cisgram.core.errors import InputError, StorageError


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_whole_into_a_folder_that_is_made(tmp_path):
    path = tmp_path / "a" / "b" / "metrics.json"
    files.write_json(path, {"b": 1, "a": [None, 0.5]})
    assert path.read_text() == '{\n  "b": 1,\n  "a": [\n    null,\n    0.5\n  ]\n}\n'
    assert files.read_json(path) == {"b": 1, "a": [None, 0.5]}
    assert names(path.parent) == ["metrics.json"]


def test_nan_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "a.json", {"auroc": float("nan")})
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_leaves_the_older_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "weights"
    path.write_bytes(b"older")

    def fail():
        with files.replacing(path) as temporary:
            temporary.write_bytes(b"half of the new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"older"
    assert names(tmp_path) == ["weights"]


def test_the_older_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"older")
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"older"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("number", files.FULL)
def test_a_full_disk_is_said_in_one_sentence_and_leaves_the_older_file(
    tmp_path, monkeypatch, number
):
    path = tmp_path / "weights"
    path.write_bytes(b"older")

    def full(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No room left .*weights.* make room") as caught:
        files.write_bytes(path, b"new")
    assert caught.value.exit_status == 4
    assert path.read_bytes() == b"older"
    assert names(tmp_path) == ["weights"]


def test_a_full_disk_is_known_in_a_librarys_own_words():
    assert files.is_full(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert files.is_full(OSError(errno.ENOSPC, "?"))
    assert not files.is_full(OSError(errno.EACCES, "Permission denied"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; needs root and the right to mount."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount on this machine")
    if done.returncode:
        pytest.skip(f"not allowed to mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full_keeps_the_last_good_state(small_disk):
    path = small_disk / "checkpoint"
    good = os.urandom(20_000)
    files.write_bytes(path, good)
    with pytest.raises(StorageError, match="No room left on the disk"):
        files.write_bytes(path, os.urandom(200_000))
    assert path.read_bytes() == good
    assert names(small_disk) == ["checkpoint"]
    files.write_bytes(path, b"goes on")
    assert path.read_bytes() == b"goes on"


def test_a_file_in_the_place_of_a_folder_is_a_mistake_of_the_user(tmp_path):
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(InputError, match="Choose a folder that can be written"):
        files.write_text(tmp_path / "run" / "metrics.json", "{}")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_json_that_is_damaged_is_refused_by_name(tmp_path, content):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"metrics\.json is not JSON"):
        files.read_json(path)


def test_json_that_is_absent_or_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        files.read_json(tmp_path / "none.json")
    with pytest.raises(InputError, match="Cannot read"):
        files.read_json(tmp_path)


def test_the_digest_is_the_one_that_the_world_knows(tmp_path):
    path = tmp_path / "abc"  # FIPS 180-2, appendix B.1
    path.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(path) == expected
