"""requests' functions and errors, but each call is tried again as `Client` says."""

from requests import (
    ConnectionError,  # noqa: A004 - the name that requests gives it
    ConnectTimeout,
    HTTPError,
    ReadTimeout,
    Request,
    RequestException,
    Response,
    Timeout,
    TooManyRedirects,
    URLRequired,
)
from requests.exceptions import ChunkedEncodingError, FileModeWarning, RetryError

from odp_dlt.extract.http import RETRIED_STATUS as DEFAULT_RETRY_STATUS
from odp_dlt.extract.http import Client, Session

client = Client()

get = client.get
post = client.post
put = client.put
patch = client.patch
delete = client.delete
head = client.head
options = client.options
request = client.request

__all__ = [
    "DEFAULT_RETRY_STATUS",
    "ChunkedEncodingError",
    "Client",
    "ConnectTimeout",
    "ConnectionError",
    "FileModeWarning",
    "HTTPError",
    "ReadTimeout",
    "Request",
    "RequestException",
    "Response",
    "RetryError",
    "Session",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "client",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "request",
]
