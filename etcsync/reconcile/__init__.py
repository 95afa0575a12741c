"""The road: fetch, snapshot, plan, apply, record, report."""
