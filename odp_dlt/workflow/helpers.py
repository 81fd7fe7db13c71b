"""The text between `{{#name}}` and `{{/name}}` in a template goes to the function `name` here.

To add one, write a public function from text to text: no list is kept. The text has its variables
filled in already. A ConfigError without a position gets that of the template.
"""

from datetime import datetime

from odp_dlt.errors import ConfigError

# Partition keys beyond ISO 8601. Python reads hourly ones, such as 2024-01-02-03:00, as ISO.
_OTHER_FORMS = ("%Y-%m", "%Y", "%Y%m", "%Y/%m/%d", "%Y%m%d%H")


def date(text: str) -> str:
    """`VALUE|FORMAT`: a date, a timestamp or a time partition's key, written as strftime says.

    An offset in the value is kept, not converted.
    """
    value, bar, form = (part.strip() for part in text.rpartition("|"))
    if not (bar and value and form):
        raise ConfigError(
            f"'{text.strip()}' is no date and format for {{{{#date}}}}",
            hint="Write {{#date}}{{context.partition_key}}|%Y-%m-%d{{/date}}.",
        )
    moment = _moment(value)
    if moment is None:
        raise ConfigError(
            f"'{value}' is not a date that can be written as '{form}'",
            hint="Known are ISO dates and timestamps, and keys like 2024-01-02-03:00 or 2024-01.",
        )
    return moment.strftime(form)


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for form in _OTHER_FORMS:
        try:
            return datetime.strptime(value, form)
        except ValueError:
            continue
    return None
