"""A client that reads an API page by page: who asks, what is asked, how it goes on."""

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from requests.auth import AuthBase

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.http import Client
from odp_dlt.extract.jsonpath import TJsonPath, find_values
from odp_dlt.sources.detect import PaginatorFactory, rows_path
from odp_dlt.sources.paginators import BasePaginator, BaseReferencePaginator

logger = logging.getLogger(__name__)

T = TypeVar("T")

Hooks = dict[str, Any]

_SECRETS = frozenset(
    {
        *("api_key", "apikey", "api-key", "key", "token", "access_token", "access-token"),
        *("secret", "client_secret", "password", "pwd"),
    }
)


class IgnoreResponseException(SourceError):  # noqa: N818 - dlt's name, which hooks raise
    """Raised by a hook: this response has no rows, and nothing comes after it."""

    def __init__(self, message: str = "the response is ignored") -> None:
        super().__init__(message)


class PageData(list[T]):
    """The rows of one page, with what was asked and answered."""

    def __init__(
        self,
        rows: Iterable[T],
        request: requests.Request,
        response: requests.Response,
        paginator: BasePaginator,
        auth: AuthBase | None,
    ) -> None:
        super().__init__(rows)
        self.request = request
        self.response = response
        self.paginator = paginator
        self.auth = auth


class RequestOptions(TypedDict, total=False):
    """What a request may say; `json` and `data` exclude each other."""

    headers: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    json: Any
    data: Any
    auth: AuthBase | None
    hooks: Hooks | None


class PageOptions(RequestOptions, total=False):
    """What a request for pages may say besides."""

    paginator: BasePaginator | None
    data_selector: TJsonPath | None


class ClientOptions(TypedDict, total=False):
    """The further keywords of a client; `config` is dlt's and not needed."""

    session: requests.Session | None
    paginator_factory: PaginatorFactory | None
    config: Any


class RESTClient:
    """An API at `base_url`. Requests are tried again as `requests.Client` says, or the `session`.

    What is given here holds for every request that does not say otherwise.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
        paginator: BasePaginator | None = None,
        data_selector: TJsonPath | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.base_url = base_url
        self.headers = headers
        self.auth = auth
        self.paginator = paginator
        self.data_selector = data_selector
        self.session = options.get("session") or Client(raise_for_status=False).session
        self.pagination_factory = options.get("paginator_factory") or PaginatorFactory()
        if getattr(self.session, "raise_for_status", False):
            logger.warning("the session raises for a status of failure before a hook can look")

    def request(self, path: str = "", method: str = "GET", **kwargs: Any) -> requests.Response:
        """One request; its response, whatever the status. `kwargs` are those of requests."""
        said = {name: kwargs.pop(name, None) for name in RequestOptions.__annotations__}
        return self._sent(self._request(path, method, **said), kwargs)

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> requests.Response:
        """One GET."""
        return self.request(path, "GET", params=params, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> requests.Response:
        """One POST."""
        return self.request(path, "POST", json=json, **kwargs)

    def paginate(
        self, path: str = "", method: str = "GET", params: Any = None, json: Any = None, **more: Any
    ) -> Iterator[PageData[Any]]:
        """The pages at `path`, or at a whole URL, until the paginator says that it was the last.

        `more` are the keywords of PageOptions, the others go to requests. Rows are at
        `data_selector`; without it, or without a paginator, the first response decides. HTTPError
        for a status of 400 or more, unless hooks look at responses themselves.
        """
        options = PageOptions(params=params, json=json)
        for name in (*PageOptions.__annotations__, *RequestOptions.__annotations__):
            if name in more:
                options[name] = more.pop(name)  # type: ignore[literal-required]
        return self._pages(path, method, options, more)

    def _pages(
        self, path: str, method: str, options: PageOptions, more: dict[str, Any]
    ) -> Iterator[PageData[Any]]:
        paginator = options.pop("paginator", None) or copy.deepcopy(self.paginator)
        selector = options.pop("data_selector", None) or self.data_selector
        options["hooks"] = {"response": [raise_for_status], **(options.get("hooks") or {})}
        auth = options.get("auth") or self.auth
        request = self._request(path, method, **options)  # type: ignore[misc]
        if paginator is not None:
            paginator.init_request(request)
        asked: Any = None
        while True:
            try:
                response = self._sent(request, more)
            except IgnoreResponseException:
                return
            selector = selector or rows_path(response.json())
            rows = self.extract_response(response, selector)
            paginator = paginator or self.detect_paginator(response, rows)
            asked = _advanced(paginator, response, rows, request, asked)
            yield PageData(rows, request, response, paginator, auth)
            if not paginator.has_next_page:
                return

    def extract_response(self, response: requests.Response, data_selector: TJsonPath) -> list[Any]:
        """The rows at `data_selector`; a single thing is a list of it, null no rows."""
        found: Any = find_values(data_selector, response.json())
        rows = found[0] if len(found) == 1 else found
        if rows is None:
            return []
        return rows if isinstance(rows, list) else [rows]

    def detect_paginator(self, response: requests.Response, data: Any) -> BasePaginator:
        """The paginator that the response seems to need. SourceError if none seems to fit."""
        paginator, score = self.pagination_factory.create_paginator(response)
        if paginator is None:
            raise SourceError(
                "no paginator fits the response",
                at=without_secrets(response.url),
                hint="Say one: paginator=….",
            )
        if score != 1.0 and len(data or ()) > 1:
            logger.warning("guessed the paginator %s; say it yourself", type(paginator).__name__)
        return paginator

    def _request(self, path: str, method: str, **said: Unpack[RequestOptions]) -> requests.Request:
        if said.get("json") and said.get("data"):
            raise ConfigError("a request was given both json and data", hint="Give one of them.")
        return requests.Request(
            method=method,
            url=path if path.startswith(("http://", "https://")) else joined(self.base_url, path),
            headers={**(self.headers or {}), **(said.get("headers") or {})},
            params=copy.copy(said.get("params")),
            json=copy.deepcopy(said.get("json")),
            data=said.get("data"),
            auth=said.get("auth") or self.auth,
            hooks=said.get("hooks"),
        )

    def _sent(self, request: requests.Request, options: Mapping[str, Any]) -> requests.Response:
        prepared = self.session.prepare_request(request)
        logger.info("%s %s", prepared.method, without_secrets(prepared.url or ""))
        more = dict(options)
        named = ("stream", "verify", "cert")
        settings = self.session.merge_environment_settings(
            prepared.url, more.pop("proxies", {}), *(more.pop(name, None) for name in named)
        )
        return self.session.send(prepared, **settings, **more)


def paginate(url: str, method: str = "GET", **options: Any) -> Iterator[PageData[Any]]:
    """The pages at `url`: those of a RESTClient made for it."""
    headers = options.pop("headers", None)
    return RESTClient(url, headers).paginate("", method, **options)


def joined(base_url: str, path: str) -> str:
    """`path` below `base_url`, with one slash between them."""
    if not base_url or not path:
        return base_url or path
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def raise_for_status(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
    """A hook: HTTPError for a status of 400 or more, with no secret of the URL in it."""
    if response.status_code >= 400:
        whose = "Client" if response.status_code < 500 else "Server"
        raise requests.HTTPError(
            f"{response.status_code} {whose} Error: {response.reason} for url: "
            f"{without_secrets(response.url)}",
            response=response,
        )


def without_secrets(url: str) -> str:
    """`url` with the values struck out of parameters that are secrets by their names."""
    parts = urlsplit(url)
    query = [
        (name, "***" if name.lower() in _SECRETS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(query=urlencode(query, safe="*")))


def _advanced(
    paginator: BasePaginator,
    response: requests.Response,
    rows: list[Any],
    request: requests.Request,
    asked: Any,
) -> Any:
    """Learn from the response to a request by the reference `asked`, and make the next request.

    Gives the next reference. SourceError if that is the same again.
    """
    paginator.update_state(response, rows)
    following = None
    if isinstance(paginator, BaseReferencePaginator) and paginator.has_next_page:
        following = paginator.next_reference
        if following == asked:
            raise SourceError(
                "the response leads to the page that it is",
                at=without_secrets(response.url),
                hint="The API would be asked for ever; is it the right paginator?",
            )
    paginator.update_request(request)
    return following
