"""`type: schema`: the schema file has every table and column that a load met."""

from typing import ClassVar

from odp_dlt.checks.base import Check, Subject, Verdict


class Schema(Check):
    """The last load met no table and no column that the schema file lacks.

    A nested table's own check is about its columns alone, the asset's about all tables.
    """

    of_loads: ClassVar[bool] = True

    @property
    def reads_table(self) -> bool:
        return False

    @property
    def promise(self) -> str:
        return "the schema file has every table and column that the source gives"

    def judge(self, subject: Subject) -> Verdict:
        facts = subject.facts
        if "load_id" not in facts:
            return Verdict(False, "no load has told what it met")
        found = {
            what: str(facts[name])
            for what, name in (("table", "new_tables"), ("column", "new_columns"))
            if name in facts
        }
        if not found:
            return Verdict(True, "the schema file has all that the load met")
        lacks = " and ".join(f"{what} {names}" for what, names in found.items())
        said = f"the schema file lacks {lacks}. Accept it: odp schema export {subject.asset_key}"
        return Verdict(False, said, {f"new_{what}s": names for what, names in found.items()})
