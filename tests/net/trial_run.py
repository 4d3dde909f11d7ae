"""Runs tests with trial, in a process that runs nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.reporter import MinimalReporter
from twisted.trial.runner import TestLoader, TrialRunner


def report(modules: Sequence[str]) -> None:
    """Run all tests of some modules; print how many ran, and the names of those that failed."""
    suite = TestLoader().loadByNames(modules)
    with Path("output").open("w") as output:
        result = TrialRunner(MinimalReporter, stream=output, workingDirectory="trial").run(suite)
    failed = [test.id() for test, _ in (*result.errors, *result.failures)]
    json.dump({"ran": result.testsRun, "failed": failed}, sys.__stdout__)
