"""What the doctor finds in the rules."""

import pytest
from doctor_support import AS_ROOT, finding, findings
from small_root import add_script

from etcsync.host.programs import program_in_root


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


def test_a_rule_file_that_cannot_be_read_is_serious(cluster):
    cluster.rules.write_text("[[rule]]\npahts = ['a']\n")
    first, *others = findings(cluster)
    assert (first["check"], first["severity"]) == ("rules", "serious")
    assert "'pahts'" in first["what"]
    assert others == []
    cluster.rules.unlink()
    assert "[policy] files" in finding(cluster)["remedy"]


def test_a_rule_that_cannot_be_meant_so_is_a_warning(cluster):
    cluster.rules.write_text("[[rule]]\npaths = ['a']\nreason = 'so'\n")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("rules", "warning")
    assert "`etcsync policy check`" in found["remedy"]


def test_a_rule_of_upstream_for_a_client_that_does_not_exist_is_a_warning(cluster):
    text = "[[rule]]\npaths = ['a']\nstrategy = 'client'\nclients = ['client0', 'cliemt1']\n"
    cluster.write("etcsync/policy.d/site.toml", text)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("rules' clients", "warning")
    assert "'cliemt1'; did you mean 'client1'?" in found["what"]
    cluster.write("etcsync/policy.d/site.toml", text.replace("cliemt1", "label:desktop"))
    assert "'label:desktop'" in finding(cluster)["what"]


def test_a_pack_of_another_distribution_is_a_warning(cluster):
    (cluster.root / "usr/lib/os-release").write_text("ID=debian\n")
    wrong, missing = findings(cluster)
    assert (wrong["check"], wrong["severity"]) == ("packs", "warning")
    assert "no system for the pack arch" in wrong["what"]
    assert wrong["remedy"] == 'Set packs = ["base", "debian"] in [policy] of the settings.'
    assert missing["severity"] == "note"
    cluster.write_settings(packs='["base", "debian"]')
    assert all(each["check"] != "packs" for each in findings(cluster))


def test_a_root_of_unknown_kind_suits_every_pack_but_base_is_missed(cluster):
    (cluster.root / "usr/lib/os-release").write_text("ID=own\n")
    assert findings(cluster) == []
    cluster.write_settings(packs="[]")
    assert any("pack base" in each["what"] for each in findings(cluster))


def test_a_validator_that_is_not_installed_is_noted_where_it_would_be_asked(cluster):
    (cluster.root / "usr/sbin/visudo").unlink()
    found = finding(cluster)
    assert (found["check"], found["severity"], found["path"]) == ("validators", "note", "sudoers")
    assert "sudoers is put in place unchecked" in found["what"]
    assert "visudo" in found["remedy"]


@pytest.mark.skipif(not AS_ROOT, reason="without root no validator is run, which `rights` says")
def test_a_root_that_can_run_none_is_a_warning(cluster):
    (cluster.root / "bin/sh").unlink()
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("validators", "warning")
    assert "there is no /bin/sh" in found["what"]
    assert "sudoers" in found["remedy"]


def test_programs_are_found_as_the_root_sees_them(tmp_path):
    add_script(tmp_path, "opt/tool/bin/tool", "exit 0")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/tool").symlink_to("/opt/tool/bin/tool")
    (tmp_path / "usr/bin/plain").touch(0o644)
    (tmp_path / "bin").symlink_to("usr/bin")
    expected = str(tmp_path / "opt/tool/bin/tool")
    assert program_in_root(str(tmp_path), "tool") == expected
    assert program_in_root(str(tmp_path), "/bin/tool") == expected
    for missing in ("plain", "sh", "/usr/bin/sh"):
        assert program_in_root(str(tmp_path), missing) is None
