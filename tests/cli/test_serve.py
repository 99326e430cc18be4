"""`unveilify serve` where gradio is not installed."""

import importlib.util

import pytest
from command_line import say

from unveilify.cli import serve


def test_without_gradio_one_sentence_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "gradio" else real(name))
    done = say("serve")
    assert done.returncode == 2
    assert "pip install 'unveilify[serve]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
