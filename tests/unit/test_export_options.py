"""Export options that say the same in other words are taken for the same, and no others."""

import pytest

from etcsync.host.export_options import meaning

ETAB = (
    "{},sync,wdelay,hide,nocrossmnt,secure,{},no_all_squash,{},secure_locks,acl,no_pnfs,"
    "anonuid=65534,anongid=65534,sec=sys,{},{},no_all_squash"
)
"""How exportfs writes an export's options into etab."""

FLAVORS = (
    "ro,sync,wdelay,hide,nocrossmnt,insecure,root_squash,no_all_squash,subtree_check,secure_locks,"
    "acl,no_pnfs,fsid=7,anonuid=65534,anongid=65534,sec=krb5:sys,rw,root_squash,no_all_squash,"
    "sec=krb5p,ro,root_squash,no_all_squash"
)


@pytest.mark.parametrize(
    ("written", "exported"),
    [
        ("rw,no_root_squash,subtree_check",
         ETAB.format("rw", "no_root_squash", "subtree_check", "rw", "no_root_squash")),
        ("ro", ETAB.format("ro", "root_squash", "no_subtree_check", "ro", "root_squash")),
        ("", ETAB.format("ro", "root_squash", "no_subtree_check", "ro", "root_squash")),
        ("subtree_check,sec=krb5:sys,rw,sec=krb5p,ro,insecure,root_squash,fsid=7", FLAVORS),
        ("rw,ro", "ro"),
        ("fsid=root", "fsid=0"),
        ("mp=/a,rw", "rw,mountpoint=/a"),
        ("mp", "mountpoint"),
        ("no_auth_nlm", "insecure_locks"),
    ],
)  # fmt: skip
def test_defaults_order_and_repetition_do_not_matter(written: str, exported: str) -> None:
    assert meaning(written) == meaning(exported)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rw", "ro"),
        ("rw", "rw,async"),
        ("rw,no_root_squash", "rw"),
        ("rw", "rw,insecure"),
        ("rw", "rw,anonuid=1000"),
        ("rw", "rw,fsid=3"),
        ("rw", "rw,security_label"),
        ("rw", "sec=krb5,rw"),
        ("sec=krb5:sys", "sec=sys:krb5"),
        ("sec=krb5,rw,sec=sys,ro", "sec=krb5,ro,sec=sys,rw"),
    ],
)
def test_what_means_something_else_is_told_apart(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)
