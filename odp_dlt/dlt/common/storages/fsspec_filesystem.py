"""Files as rows."""

from odp_dlt.extract.files import FileItem, FileItemDict

__path__: list[str] = []  # so that a name which is not here is told by the finder

__all__ = ["FileItem", "FileItemDict"]
