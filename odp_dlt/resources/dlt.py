"""`dlt`: where the sources of a project are."""

from odp_dlt.resources.base import Resource
from odp_dlt.settings import AnchoredPath


class DltProject(Resource):
    """`project_dir` holds the source modules, their `.dlt/` settings, and the schema files."""

    project_dir: AnchoredPath
