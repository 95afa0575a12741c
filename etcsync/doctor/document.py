"""What `doctor` found, as the document that ``doctor --json`` prints."""

from etcsync.doctor.examine import Examination
from etcsync.doctor.versions import versions
from etcsync.report.documents import SCHEMA, Document


def examination_document(examination: Examination) -> Document:
    """Return the document of ``doctor --json``."""
    return {
        "schema": SCHEMA,
        "versions": {name.lower(): version for name, version in versions().items()},
        "findings": [
            {
                "severity": finding.severity.value,
                "check": check,
                "client": finding.client,
                "path": finding.path,
                "what": finding.what,
                "remedy": finding.remedy,
            }
            for check, finding in examination.findings
        ],
        "checks": [{"name": each.name, "ok": each.ok} for each in examination.results],
    }
