"""qa/doctor.py: what is looked at, and what is said when it is not well."""

from __future__ import annotations

import json
import sys

import pytest

import qa.doctor
from qa.__main__ import main
from qa.doctor import diagnose


@pytest.mark.model
def test_here_all_is_well_and_no_network_is_needed(tmp_path):
    checks = {check.name: check for check in diagnose(tmp_path)}
    assert [check for check in checks.values() if not check.ok] == []
    assert "as it should be" in checks["model all-MiniLM-L6-v2"].found
    assert checks["network"].found == "not needed: the models are on this machine"


def test_what_is_missing_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(qa.doctor, "PACKAGES", ("no-such-package",))
    monkeypatch.setattr(qa.doctor, "DEFAULT_READER", "no-such-reader")
    (tmp_path / "file").write_text("", encoding="utf-8")
    wrong = {check.name: check.found for check in diagnose(tmp_path / "file") if not check.ok}
    assert wrong["no-such-package"] == "not installed: pip install no-such-package"
    assert "Choose one of: trained, fused" in wrong["reader 'no-such-reader'"]
    assert "set ARTICLE_QA_CACHE to a folder that can, or use --no-cache" in wrong["cache"]
    assert "network" in wrong


def test_the_command_exits_with_1_when_something_is_wrong(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(qa.doctor, "PACKAGES", ("no-such-package",))
    monkeypatch.setattr(qa.doctor, "DEFAULT_READER", "fused")
    monkeypatch.setattr(sys, "argv", ["article-qa", "doctor", "--json", "--cache", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    told = json.loads(capsys.readouterr().out)
    assert (left.value.code, told["ok"]) == (1, False)
    assert [check["name"] for check in told["checks"] if not check["ok"]] == ["no-such-package"]
