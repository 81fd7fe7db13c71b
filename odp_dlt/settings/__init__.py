"""Config values and secrets: environment → .dlt/secrets.toml → .dlt/config.toml → default."""

from odp_dlt.settings.convert import settable
from odp_dlt.settings.lookup import MISSING, Memory, Settings
from odp_dlt.settings.paths import AnchoredPath, anchored
from odp_dlt.settings.secrets import exported, secrets_environment

__all__ = [
    "MISSING",
    "AnchoredPath",
    "Memory",
    "Settings",
    "anchored",
    "exported",
    "secrets_environment",
    "settable",
]
