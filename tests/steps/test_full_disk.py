import os
import resource
import shutil
import subprocess
import time

import pytest

from steps.jobs import command, digests, finish, settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def one_clear_sentence(done):
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: No room left on the disk while writing ")
    assert "make room and run the same command again" in last


def test_a_full_disk_stops_with_one_sentence_and_the_job_goes_on_after_room_was_made(tmp_path):
    assert finish(tmp_path, "whole").returncode == 0
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    try:
        done = finish(tmp_path, "disk/run")
        one_clear_sentence(done)
        assert not list(disk.rglob(".*.tmp"))
        checkpoint = disk / "run" / "model" / "checkpoint.safetensors"
        before = checkpoint.read_bytes()  # the last good state, of an epoch before
        one_clear_sentence(finish(tmp_path, "disk/run"))
        assert checkpoint.read_bytes() == before
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert finish(tmp_path, "disk/run").returncode == 0
        assert digests(disk / "run") == digests(tmp_path / "whole")
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def no_large_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))


def test_files_that_may_not_grow_leave_the_checkpoint_as_it_was(tmp_path):
    """A limit on the size of files (EFBIG), met by a run that has a checkpoint."""
    assert finish(tmp_path, "whole").returncode == 0
    run = tmp_path / "run"
    checkpoint = run / "model" / "checkpoint.safetensors"
    process = subprocess.Popen(
        command(tmp_path, "run"), cwd=tmp_path, env=settings(), stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while not checkpoint.is_file() and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert checkpoint.is_file()
    before = checkpoint.read_bytes()
    one_clear_sentence(finish(tmp_path, "run", preexec_fn=no_large_files))
    assert checkpoint.read_bytes() == before
    assert finish(tmp_path, "run").returncode == 0
    assert digests(run) == digests(tmp_path / "whole")


def test_a_disk_that_is_full_from_the_start_is_named_as_such(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        done = finish(tmp_path, "disk/run")
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        shutil.rmtree(disk / "run", ignore_errors=True)
    finally:
        subprocess.run(["umount", str(disk)], check=False)
