"""`type: reconciliation`: what the source gave was loaded, or rejected, and nothing else."""

from typing import ClassVar

from odp_dlt.checks.base import Check, Subject, Verdict


class Reconciliation(Check):
    """Rows extracted = rows loaded + rows rejected, in the last load."""

    of_loads: ClassVar[bool] = True

    @property
    def reads_table(self) -> bool:
        return False

    @property
    def promise(self) -> str:
        return "rows extracted = rows loaded + rows rejected"

    def judge(self, subject: Subject) -> Verdict:
        names = ("rows_extracted", "rows_loaded", "rows_rejected")
        if any(name not in subject.facts for name in names):
            return Verdict(False, "no load has told how many rows it extracted")
        extracted, loaded, rejected = (int(subject.facts[name]) for name in names)
        missing = extracted - loaded - rejected
        said = f"{extracted:,} extracted, {loaded:,} loaded, {rejected:,} rejected"
        numbers = {**dict(zip(names, (extracted, loaded, rejected), strict=True))}
        return Verdict(not missing, said, {**numbers, "rows_missing": missing})
