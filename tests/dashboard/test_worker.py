"""The model process: asked in order, replaced when it dies, gone when its server is."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from cisgram.dashboard import frames
from cisgram.dashboard.errors import Refused, Superseded, Unavailable
from cisgram.dashboard.worker import ModelWorker

# Stands for the process with models: repeats the question, or does what it says.
ECHO = """
import os, sys, time
from cisgram.dashboard import frames
while (m := frames.read(sys.stdin.buffer)) is not None:
    if m.get("sleep"): time.sleep(m["sleep"])
    if m.get("die"): os._exit(9)
    if m.get("babble"): sys.stdout.buffer.write(b"\\xff" * 9); sys.stdout.buffer.flush()
    out = {"refused": "no"} if m.get("wrong") else {"failed": "broken"} if m.get("broken") else {
        "answer": {"n": m.get("n"), "pid": os.getpid()}}
    sys.stdout.buffer.write(frames.pack({"id": m["id"], **out})); sys.stdout.buffer.flush()
"""
COMMAND = (sys.executable, "-c", ECHO)


def within(work, **options):
    async def inside():
        worker = ModelWorker(command=COMMAND, **options)
        try:
            return await work(worker)
        finally:
            await worker.close()

    return asyncio.run(inside())


def test_one_process_answers_many_questions():
    async def work(worker):
        return [await worker.ask({"do": "ask", "n": n}, client="a") for n in range(5)]

    found = within(work)
    assert [f["n"] for f in found] == [0, 1, 2, 3, 4]
    assert len({f["pid"] for f in found}) == 1


def test_the_newest_question_of_an_asker_takes_the_place_of_the_one_that_waits():
    async def work(worker):
        first = asyncio.create_task(worker.ask({"do": "ask", "n": 0, "sleep": 0.3}, client="a"))
        await asyncio.sleep(0.05)  # it is with the process now
        old = asyncio.create_task(worker.ask({"do": "ask", "n": 1}, client="a"))
        other = asyncio.create_task(worker.ask({"do": "ask", "n": 2}, client="b"))
        await asyncio.sleep(0)
        new = asyncio.create_task(worker.ask({"do": "ask", "n": 3}, client="a"))
        return await asyncio.gather(first, old, other, new, return_exceptions=True)

    first, old, other, new = within(work)
    assert (first["n"], other["n"], new["n"]) == (0, 2, 3)
    assert isinstance(old, Superseded)


@pytest.mark.parametrize("how", [{"die": True}, {"babble": True}])
def test_a_process_that_dies_costs_one_answer_and_the_next_has_a_new_one(how):
    async def work(worker):
        before = await worker.ask({"do": "ask"}, client="a")
        with pytest.raises(Unavailable, match="ask again and a new one starts"):
            await worker.ask({"do": "ask", **how}, client="a")
        return before, await worker.ask({"do": "ask"}, client="a")

    before, after = within(work)
    assert before["pid"] != after["pid"]


def test_a_process_that_is_killed_while_nobody_asks_is_replaced():
    async def work(worker):
        await worker.ask({"do": "ask"}, client="a")
        old = worker.pid
        os.kill(old, signal.SIGKILL)
        while worker.pid is not None:
            await asyncio.sleep(0.01)
        return old, (await worker.ask({"do": "ask"}, client="a"))["pid"]

    old, new = within(work)
    assert old != new


def test_a_question_that_takes_too_long_is_ended():
    async def work(worker):
        with pytest.raises(Unavailable, match=r"longer than 0\.5 s"):
            await worker.ask({"do": "ask", "sleep": 60}, client="a")
        worker._limit = 30
        return await worker.ask({"do": "ask", "n": 7}, client="a")

    assert within(work, limit=0.5)["n"] == 7


def test_what_the_process_says_of_a_question_reaches_who_asked():
    async def work(worker):
        with pytest.raises(Refused, match=r"^no$"):
            await worker.ask({"do": "ask", "wrong": True}, client="a")
        with pytest.raises(Unavailable, match=r"^broken$"):
            await worker.ask({"do": "ask", "broken": True}, client="a")

    within(work)


def test_too_many_askers_are_told_to_come_back(monkeypatch):
    monkeypatch.setattr("cisgram.dashboard.worker.MOST_WAITING", 2)

    async def work(worker):
        asked = [worker.ask({"do": "ask", "sleep": 0.05}, client=str(i)) for i in range(4)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(f, Unavailable) for f in within(work)) == 2


def test_closing_answers_who_waits_and_ends_the_process():
    async def work(worker):
        asked = asyncio.create_task(worker.ask({"do": "ask", "sleep": 30}, client="a"))
        waits = asyncio.create_task(worker.ask({"do": "ask"}, client="b"))
        while worker.pid is None:
            await asyncio.sleep(0.01)
        pid = worker.pid
        await worker.close()
        found = await asyncio.gather(asked, waits, return_exceptions=True)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        return found

    assert all("being closed" in str(f) for f in within(work))


def test_the_process_ends_with_its_server():
    """Its standard input ends when the server is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "cisgram.dashboard.model_worker"], stdin=subprocess.PIPE
    ) as process:
        process.stdin.close()
        assert process.wait(60) == 0


def test_the_server_loads_no_torch():
    code = "import sys, cisgram.dashboard; print(*{'torch', 'pandas'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_message_comes_back_as_it_was():
    message = {"id": 3, "text": "é\n\0", "list": [1.5, None]}
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as target:
        target.write(frames.pack(message) + b"\0\0\0\5{")
        target.close()
        assert frames.read(source) == message
        assert frames.read(source) is None  # cut short: nobody is there any more
