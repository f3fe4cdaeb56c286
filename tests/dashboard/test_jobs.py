"""Jobs: the same commands as in a terminal, cancelled, resumed, outliving the server as files."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cisgram.core.errors import StorageError
from cisgram.core.lock import only_one
from cisgram.core.run import Run
from cisgram.dashboard import job_files
from cisgram.dashboard.errors import Conflict, Missing, Refused
from cisgram.dashboard.job_process import INTERRUPTED
from cisgram.dashboard.jobs import MOST_WAITING, SERVER_ENDED, Jobs
from dashboard.waiting import SLUG, until

URL = f"/api/runs/{SLUG}/jobs"
HELD_OUT = {"kind": "motifs", "source": "filters"}
# Stands for a command: says how far it is, and ends when it is interrupted, or never.
STEPS = """
import sys, time, json
for i in range(int(sys.argv[1])):
    print(json.dumps({"progress": [i + 1, int(sys.argv[1])]}), flush=True)
    time.sleep(0.02)
print("all done", flush=True)
"""
SLOW = (sys.executable, "-c", STEPS, "2000")
QUICK = (sys.executable, "-c", STEPS, "3")
DEAF = (sys.executable, "-c", "import signal, time; signal.signal(2, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(600)")  # fmt: skip
PARENT = (sys.executable, "-c", "import subprocess, sys;"
          "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
          " signal.signal(2, signal.SIG_IGN); print(\\'up\\', flush=True); time.sleep(600)'],"
          " stdout=subprocess.PIPE); child.stdout.readline();"
          "print('child', child.pid, flush=True);"
          "child.wait()")  # fmt: skip
FAILING = (sys.executable, "-c", "print('said first'); raise SystemExit('Error: no such layer.'"
           "'\\nTake conv1.')")  # fmt: skip


def within(run, command, work):
    """What ``await work(jobs)`` gives, with jobs whose command stands for the real one."""

    async def inside():
        jobs = Jobs(run, command=command)
        try:
            return await work(jobs)
        finally:
            await jobs.close()

    return asyncio.run(inside())


async def reach(jobs, job, *states):
    while job_files.read(jobs.run, job.id).state not in states:
        await asyncio.sleep(0.02)
    return job_files.read(jobs.run, job.id)


def test_a_job_is_the_command_and_its_result_lies_in_the_run(client, run):
    job = client.post(URL, json={"kind": "explain", "method": "saliency", "most": 4}).json()
    assert job["state"] in ("waiting", "running")
    done = until(lambda: (j := client.get(f"{URL}/{job['id']}").json())["state"] == "done" and j)
    assert (run.path / "explain" / "saliency" / "values.safetensors").is_file()
    assert done["result"] == "#sequences?methods=saliency"
    assert (done["done"], done["total"]) == (4, 4)
    assert "The scores lie in" in done["log"]
    assert "progress" not in done["log"]
    assert [j["id"] for j in client.get(URL).json()["jobs"]] == [job["id"]]


def test_pasted_sequences_are_explained_beside_the_run(client, run, sequence):
    text = f">one\n{sequence}\n>two\n{sequence}\n"
    asked = {"kind": "explain", "method": "ism", "sequences": text}
    job = client.post(URL, json=asked).json()
    assert job["title"] == "ism of 2 pasted sequences"
    until(lambda: client.get(f"{URL}/{job['id']}").json()["state"] == "done")
    names = (run.path / job["result"] / "names.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in names[1:]] == ["one", "two"]


def test_what_a_command_refuses_is_said_in_its_words(client, run):
    with (run.path.parent / "a.tsv").open("a") as handle:  # known only to who reads all of it
        handle.write("more\t1\t" + "ACGT" * 15 + "\n")
    job = client.post(URL, json={"kind": "explain", "method": "ism"}).json()
    ended = until(lambda: (j := client.get(f"{URL}/{job['id']}").json())["state"] == "failed" and j)
    assert "was made from other files: the bytes of positives differ" in ended["error"]
    assert "Bring the old files back" in ended["error"]
    assert "Traceback" not in ended["error"]


def test_a_server_that_is_being_closed_starts_nothing(run):
    closing = asyncio.Event()

    async def slow(_body):
        await closing.wait()

    async def inside():
        jobs = Jobs(run, command=QUICK, check=slow)
        starting = asyncio.create_task(jobs.start(HELD_OUT))
        await asyncio.sleep(0.1)
        await jobs.close()
        closing.set()
        with pytest.raises(Conflict, match="being closed"):
            await starting

    asyncio.run(inside())
    assert not [p for p in (run.path / "jobs").glob("*") if p.is_dir()]


@pytest.mark.parametrize("name", ["..", "0" * 15, "0" * 17, "../../etc/passwd", "A" * 16, ""])
def test_a_name_of_a_job_cannot_leave_the_folder(run, name):
    with pytest.raises(Missing):
        job_files.folder_of(run, name)


def test_jobs_run_one_after_the_other(run):
    async def work(jobs):
        first, second = await jobs.start(HELD_OUT), await jobs.start(HELD_OUT)
        await reach(jobs, first, "running")
        assert second.state == "waiting"
        assert (await reach(jobs, first, "done")).done == 3
        return await reach(jobs, second, "done")

    assert within(run, QUICK, work).said == "all done"


def test_no_more_jobs_wait_than_may_however_many_are_started_at_once(run):
    async def work(jobs):
        many = [jobs.start(HELD_OUT) for _ in range(40)]
        found = await asyncio.gather(*many, return_exceptions=True)
        assert len(jobs.open_jobs()) <= MOST_WAITING + 1
        return [str(one) for one in found if isinstance(one, Conflict)]

    refused = within(run, SLOW, work)
    assert 40 - len(refused) <= MOST_WAITING + 1
    assert set(refused) == {
        f"{MOST_WAITING} jobs wait already. Wait until some are done, or cancel them."
    }
    left = [p for p in (run.path / "jobs").glob("*") if p.is_dir()]
    assert len(left) == 40 - len(refused)


def test_a_job_is_cancelled_and_resumed(run):
    async def work(jobs):
        job = await jobs.start(HELD_OUT)
        await reach(jobs, job, "running")
        while not job.done:
            await asyncio.sleep(0.01)
        jobs.cancel(job.id)
        stopped = await reach(jobs, job, "cancelled")
        assert 0 < stopped.done < stopped.total == 2000
        jobs._command = QUICK
        assert (await jobs.resume(job.id)).state == "waiting"
        return await reach(jobs, job, "done")

    assert within(run, SLOW, work).error == ""


def test_a_job_that_waits_is_cancelled_without_being_started(run):
    async def work(jobs):
        first, second = await jobs.start(HELD_OUT), await jobs.start(HELD_OUT)
        jobs.cancel(second.id)
        assert (job_files.read(run, second.id).state, second.began) == ("cancelled", "")
        jobs.cancel(first.id)
        await reach(jobs, first, "cancelled")
        with pytest.raises(Conflict, match="nothing to cancel"):
            jobs.cancel(first.id)

    within(run, SLOW, work)


def test_a_command_that_ignores_the_interrupt_is_killed(run, monkeypatch):
    monkeypatch.setattr("cisgram.dashboard.job_process.GRACE", 0.2)

    async def work(jobs):
        job = await jobs.start(HELD_OUT)
        while job.said != "deaf":
            await asyncio.sleep(0.01)
        jobs.cancel(job.id)
        return await reach(jobs, job, "cancelled")

    assert within(run, DEAF, work).ended


def test_what_a_command_started_is_ended_with_it(run, monkeypatch):
    """A child holds the output open: without its end the job would never be over."""
    monkeypatch.setattr("cisgram.dashboard.job_process.GRACE", 0.2)

    async def work(jobs):
        job = await jobs.start(HELD_OUT)
        while not job.said.startswith("child"):
            await asyncio.sleep(0.01)
        child = int(job.said.split()[1])  # before the interrupt, of which Python may say more
        jobs.cancel(job.id)
        await reach(jobs, job, "cancelled")
        return child

    child = within(run, PARENT, work)
    assert until(lambda: not lives(child))


def lives(pid):
    """Whether a process runs; one that has ended is kept in the table until its parent looks."""
    try:
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_folder_that_cannot_be_written_is_told_from_one_that_is_held(run):
    (run.path / "jobs").write_text("in the way")

    async def work(jobs):
        with pytest.raises(Conflict, match=r"No job can be kept in this run\. Cannot write"):
            await jobs.start(HELD_OUT)

    within(run, QUICK, work)


def test_without_locks_the_job_of_another_server_is_not_judged(run, monkeypatch):
    job = job_files.Job("0123456789abcdef", "demix", {"kind": "demix"}, "#neurons", state="running")
    job_files.write(run, job)
    monkeypatch.setattr("cisgram.core.lock.hold", no_locks)

    async def work(jobs):
        assert [j.state for j in jobs.every()] == ["running"]
        return await reach(jobs, await jobs.start(HELD_OUT), "done")

    assert within(run, QUICK, work).error == ""


def no_locks(handle):
    raise OSError("no locks on this disk")


def test_the_error_is_the_paragraph_that_the_command_ended_with(run):
    async def work(jobs):
        return await reach(jobs, await jobs.start(HELD_OUT), "failed")

    assert within(run, FAILING, work).error == "no such layer. Take conv1."


def test_a_job_goes_on_when_its_state_cannot_be_written(run, monkeypatch):
    async def work(jobs):
        job = await jobs.start(HELD_OUT)
        await reach(jobs, job, "running")
        monkeypatch.setattr(job_files, "write", refuse)
        while job.state == "running":
            await asyncio.sleep(0.01)
        return job.state, job_files.read(run, job.id).state

    def refuse(run, job):
        raise StorageError("full")

    assert within(run, QUICK, work) == ("done", "running")


def test_closing_the_server_interrupts_and_the_next_one_resumes(run):
    async def begin(jobs):
        job = await jobs.start(HELD_OUT)
        waiting = await jobs.start(HELD_OUT)
        await reach(jobs, job, "running")
        return job.id, waiting.id

    names = within(run, SLOW, begin)
    left = [job_files.read(run, n) for n in names]
    assert [job.state for job in left] == ["interrupted"] * 2
    assert {job.error for job in left} == {SERVER_ENDED}  # said in the list of the next server

    async def go_on(jobs):
        return await reach(jobs, await jobs.resume(names[0]), "done")

    done = within(run, QUICK, go_on)
    assert (done.state, done.error) == ("done", "")


def test_a_job_of_a_server_that_was_killed_is_shown_as_interrupted(run):
    job = job_files.Job("0123456789abcdef", "demix", {"kind": "demix"}, "#neurons", state="running")
    job_files.write(run, job)

    async def work(jobs):
        return [j.state for j in jobs.every()]

    assert within(run, QUICK, work) == ["interrupted"]
    left = job_files.read(run, job.id)
    assert (left.state, left.error) == ("interrupted", SERVER_ENDED)


def test_a_job_that_is_killed_from_outside_says_so(run):
    killed = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")

    async def work(jobs):
        return await reach(jobs, await jobs.start(HELD_OUT), "interrupted")

    assert within(run, killed, work).error == INTERRUPTED


def test_a_second_server_judges_nothing_and_starts_nothing(run):
    job = job_files.Job("0123456789abcdef", "demix", {"kind": "demix"}, "#neurons", state="running")
    job_files.write(run, job)

    async def work(jobs):
        assert [j.state for j in jobs.every()] == ["running"]
        with pytest.raises(Conflict, match="Another server"):
            await jobs.start(HELD_OUT)

    with only_one(run.path / "jobs"):
        within(run, QUICK, work)


@pytest.mark.parametrize("content", ["{", "[]", '{"id": "x"}'])
def test_a_damaged_job_is_left_out_of_the_list(run, content):
    folder = run.path / "jobs" / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(content)
    assert job_files.every(run) == []
    with pytest.raises(Missing):
        job_files.read(run, folder.name)


@pytest.mark.parametrize("before", ["", "trap '' INT; "])
def test_a_command_ends_when_who_started_it_is_gone(run, before):
    """The end of its standard input, which a server that is killed leaves behind; of a server in
    the background of a script, too, to which the shell makes interrupts inaudible."""
    env = os.environ | {"CISGRAM_PROGRESS": "json", "CISGRAM_STOP_WITH_STDIN": "1"}
    command = [sys.executable, "-m", "cisgram", "demix", str(run.path)]
    command = ["sh", "-c", f'{before}exec "$@"', "sh", *command]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    ) as process:
        line = next(line for line in process.stderr if line.startswith("{"))
        assert json.loads(line)["progress"] == [1, 4]
        process.stdin.close()
        left = process.stderr.read()
        assert process.wait(30) == 130
    assert "Traceback" not in left
    assert "the same command goes on from there" in left


@pytest.mark.parametrize(
    "request_", [None, [], {}, {"kind": "train"}, {"kind": "demix", "layer": "--allow-remote"},
                 {"kind": "demix", "layer": ["a"]}]
)  # fmt: skip
def test_a_run_folder_cannot_say_which_command_is_resumed(run, request_):
    """A run that was mailed holds jobs that somebody else wrote."""
    job = job_files.Job("0123456789abcdef", "demix", {}, "#neurons", state="interrupted")
    job_files.write(run, job)
    path = run.path / "jobs" / job.id / "job.json"
    written = json.loads(path.read_text()) | {"arguments": ["train", "--model", "x:y"]}
    path.write_text(json.dumps(written | {"request": request_}))

    async def work(jobs):
        with pytest.raises(Refused, match="does not say plainly what to do"):
            await jobs.resume(job.id)
        assert not jobs._queue

    within(run, QUICK, work)


def test_a_run_that_was_moved_resumes_where_it_is_now(run, sequence, tmp_path):
    asked = {"kind": "explain", "method": "ism", "target": "a", "sequences": f">one\n{sequence}"}

    async def begin(jobs):
        return await jobs.start(asked)

    first = within(run, SLOW, begin)
    assert "arguments" not in (run.path / "jobs" / first.id / "job.json").read_text()
    moved = Run(run.path.rename(tmp_path / "elsewhere"))

    async def go_on(jobs):
        return await jobs.resume(first.id)

    again = within(moved, QUICK, go_on).arguments
    assert again == tuple(a.replace(str(run.path), str(moved.path)) for a in first.arguments)
    assert again != first.arguments


def test_a_link_in_the_folder_of_jobs_leads_nowhere(run, tmp_path):
    job = job_files.Job("0123456789abcdef", "demix", {"kind": "demix"}, "#neurons")
    job_files.write(run, job)
    secret = tmp_path / "secret"
    secret.write_text("mine")
    log = run.path / "jobs" / job.id / "log.txt"
    log.symlink_to(secret)
    assert job_files.read_log(run, job) == ""
    with pytest.raises(OSError):
        job_files.log(run, job, "added")
    assert secret.read_text() == "mine"
    outside = log.parent.rename(tmp_path / "job")
    log.parent.symlink_to(outside)
    assert job_files.every(run) == []
    with pytest.raises(Missing):
        job_files.write(run, job)


def test_only_the_end_of_a_long_log_is_read(run):
    job = job_files.Job("0123456789abcdef", "demix", {"kind": "demix"}, "#neurons")
    job_files.write(run, job)
    for line in ("first", "second"):
        job_files.log(run, job, line)
    assert job_files.read_log(run, job) == "first\nsecond\n"
    assert job_files.read_log(run, job, most=7) == "second\n"
