"""How good the answers are: questions with the places of their answers → metrics, and two runs compared."""

from __future__ import annotations

from qa.evaluation.comparison import Comparison, compare
from qa.evaluation.measures import METRICS, is_metric
from qa.evaluation.questions import QuestionSet, read
from qa.evaluation.report import as_json, shortfalls, show
from qa.evaluation.runs import Run, evaluate, load, save

__all__ = [
    "METRICS",
    "Comparison",
    "QuestionSet",
    "Run",
    "as_json",
    "compare",
    "evaluate",
    "is_metric",
    "load",
    "read",
    "save",
    "shortfalls",
    "show",
]
