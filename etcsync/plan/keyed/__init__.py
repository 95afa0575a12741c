"""Merging record files by key instead of by line. Pure: contents in, contents or conflicts out.

The account files merge together, under rules of their own (`merge_accounts`); every other table
merges by itself (`merge_keyed`), with the formats that `formats` lists.
"""

from etcsync.plan.keyed.accounts import (
    ACCOUNT_FILES,
    AccountsConflict,
    AccountsMerged,
    lost_records,
    merge_accounts,
)
from etcsync.plan.keyed.conflicts import KeyedConflict, RecordConflict
from etcsync.plan.keyed.formats import format_for
from etcsync.plan.keyed.tables import merge_keyed

__all__ = [
    "ACCOUNT_FILES",
    "AccountsConflict",
    "AccountsMerged",
    "KeyedConflict",
    "RecordConflict",
    "format_for",
    "lost_records",
    "merge_accounts",
    "merge_keyed",
]
