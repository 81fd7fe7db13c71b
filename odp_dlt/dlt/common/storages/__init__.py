"""Files as rows."""

from odp_dlt.extract.files import FileItem, FileItemDict

__all__ = ["FileItem", "FileItemDict"]
