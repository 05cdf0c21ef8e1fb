"""Questions answered on all cores: a process for each, with a searcher of its own.

Threads would wait for each other: most of a search is Python's own work.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from threadpoolctl import threadpool_limits

from qa.batch.answered_rows import Answered
from qa.batch.answering import Task, answer_here
from qa.errors import BatchError
from qa.retrieval.live import LiveSearcher
from qa.retrieval.search_protocol import Search

WORTHWHILE = 50
"""Questions for which another process is worth its start. Chosen: it starts in half a second, in which one
that is running answers more."""

_TOGETHER = 8
"""Questions that a process takes at a time. Chosen: few enough that all processes finish together, and that
little is lost if they are stopped."""


def answer_in_processes(task: Task, questions: Sequence[str], jobs: int) -> Generator[Answered]:
    """Answer questions in several processes, in no particular order.

    Args:
        task: how to answer.
        questions: the questions.
        jobs: the number of processes.

    Raises:
        BatchError: another generation is live, or a process died.
    """
    parts = [questions[start : start + _TOGETHER] for start in range(0, len(questions), _TOGETHER)]
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _open_searcher, (task,))
    try:
        pending = [pool.submit(_answer_part, part) for part in parts]
        for part in as_completed(pending):
            yield from part.result()
    except BrokenProcessPool as error:
        raise BatchError(
            "a process that answered questions died, perhaps for want of memory: run the same command again "
            "to go on, with a smaller --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


class _Worker:
    """What this process answers with: set once, when it starts."""

    search: Search
    task: Task


def _open_searcher(task: Task) -> None:
    threadpool_limits(1)  # a process has one core
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Worker.search, _Worker.task = LiveSearcher(task.settings).current(), task


def _answer_part(questions: Sequence[str]) -> list[Answered]:
    return list(answer_here(_Worker.search, _Worker.task, questions))


def _end_with_parent() -> None:
    """End this process when the one that started it has died: it would wait for more questions forever."""
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)
