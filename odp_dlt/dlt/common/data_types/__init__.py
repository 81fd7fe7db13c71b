"""The types of columns."""

from odp_dlt.normalize.coerced import coerce_value
from odp_dlt.schema.model import DataType as TDataType

__all__ = ["TDataType", "coerce_value"]
