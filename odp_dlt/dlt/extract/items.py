"""Items that carry what was said about them."""

from odp_dlt.dlt.common.typing import TDataItem, TDataItems, TTableHintTemplate
from odp_dlt.extract.marks import Marked as DataItemWithMeta

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["DataItemWithMeta", "TDataItem", "TDataItems", "TTableHintTemplate"]
