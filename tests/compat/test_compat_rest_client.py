"""The REST client asks an API on loopback what dlt's asks it, and gives the same pages."""

import base64
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from odp_dlt.errors import ConfigError, SourceError
from tests.compat.api_server import Api, Asked, Told, serving

BOTH = pytest.mark.parametrize("package", ["dlt", "odp_dlt.dlt"], ids=["dlt", "ours"])
Row = dict[str, Any]
ROWS = [{"id": number} for number in range(7)]
SIZE = 3


def lib(package: str, name: str = "") -> Any:
    return import_module(f"{package}.sources.helpers.rest_client{name}")


def client(package: str, api: Api, **options: Any) -> Any:
    session = requests.Session()
    session.trust_env = False
    return lib(package).RESTClient(api.url, session=session, **options)


def chunk(start: int, size: int = SIZE) -> list[Row]:
    return ROWS[start : start + size]


def answer(asked: Asked) -> Told:  # noqa: C901, PLR0911 - one path for each way to go on
    """Every way of going on that there is a paginator for, at a path of its own."""
    start = int(asked.said("from", "0"))
    after = str(start + SIZE) if start + SIZE < len(ROWS) else None
    body = asked.body if isinstance(asked.body, dict) else {}
    match asked.path:
        case "/links":
            to = {"Link": f'<{{url}}/links?from={after}>; rel="next"'} if after else {}
            return Told(chunk(start), headers=to)
        case "/json" | "/relative":
            place = "{url}" if asked.path == "/json" else ""
            link = f"{place}{asked.path}?from={after}" if after else None
            return Told({"meta": {"next": link}, "items": chunk(start)})
        case "/offset":
            offset, size = int(asked.said("offset")), int(asked.said("limit"))
            return Told({"total": len(ROWS), "data": chunk(offset, size)})
        case "/untold":
            return Told(chunk(int(asked.said("skip")), int(asked.said("take"))))
        case "/page":
            page = int(asked.said("page")) - 1
            pages = -(-len(ROWS) // SIZE)
            more = page + 1 < pages
            return Told({"total": pages, "more": more, "results": chunk(page * SIZE)})
        case "/cursor":
            start = int(asked.said("cursor") or "0")
            after = str(start + SIZE) if start + SIZE < len(ROWS) else ""
            return Told({"cursors": {"next": after}, "data": chunk(start)})
        case "/body":
            start = int(body.get("page", {}).get("after") or 0)
            after = str(start + SIZE) if start + SIZE < len(ROWS) else None
            return Told({"cursors": {"next": after}, "data": chunk(start)})
        case "/header":
            start = int(asked.said("cursor") or "0")
            after = str(start + SIZE) if start + SIZE < len(ROWS) else None
            return Told(chunk(start), headers={"next": after} if after else {})
        case "/one":
            return Told({"id": 1, "name": "one"})
        case "/null":
            return Told({"data": None})
        case "/gone":
            return Told({"error": "gone"}, status=404)
        case "/token":
            return Told({"access_token": "fresh", "expires_in": 3600})
    return Told(ROWS[:1])


@pytest.fixture(scope="module")
def served() -> Iterator[Api]:
    with serving(answer) as running:
        yield running


@pytest.fixture
def api(served: Api) -> Api:
    served.forget()
    return served


Made = Callable[[Any], Any]
CASES: dict[str, tuple[str, Made | None, Row]] = {
    "links of the header": ("links", lambda p: p.HeaderLinkPaginator(), {}),
    "links of the header, found out": ("links", None, {}),
    "whole link of the body": ("json", lambda p: p.JSONLinkPaginator("meta.next"), {}),
    "link of the body, found out": ("json", None, {}),
    "relative link": ("relative", lambda p: p.JSONLinkPaginator("meta.next"), {}),
    "link, with params": ("json", lambda p: p.JSONLinkPaginator("meta.next"), {"params": {"a": 1}}),
    "offset with a total": ("offset", lambda p: p.OffsetPaginator(limit=2), {}),
    "offset up to a maximum": ("offset", lambda p: p.OffsetPaginator(2, maximum_offset=4), {}),
    "offset until empty": (
        "untold",
        lambda p: p.OffsetPaginator(4, 1, "skip", "take", total_path=None),
        {},
    ),
    "pages by number": ("page", lambda p: p.PageNumberPaginator(base_page=1), {}),
    "pages from the second": ("page", lambda p: p.PageNumberPaginator(base_page=1, page=2), {}),
    "pages up to a maximum": ("page", lambda p: p.PageNumberPaginator(1, maximum_page=2), {}),
    "pages while there is more": (
        "page",
        lambda p: p.PageNumberPaginator(1, total_path=None, has_more_path="more"),
        {},
    ),
    "cursor in a parameter": ("cursor", lambda p: p.JSONResponseCursorPaginator(), {}),
    "cursor in the body": (
        "body",
        lambda p: p.JSONResponseCursorPaginator(cursor_body_path="page.after"),
        {"method": "POST", "json": {"page": {"size": 3}}},
    ),
    "cursor in a header": ("header", lambda p: p.HeaderCursorPaginator(), {}),
    "one page": ("links", lambda p: p.SinglePagePaginator(), {}),
    "a single thing": ("one", None, {}),
    "nothing": ("null", lambda p: p.SinglePagePaginator(), {"data_selector": "data"}),
    "rows at a path": ("offset", None, {"params": {"offset": 0, "limit": 9}}),
    "every id": (
        "json",
        lambda p: p.JSONLinkPaginator("meta.next"),
        {"data_selector": "items[*].id"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_pages_and_requests_are_those_of_dlt(case: str, api: Api) -> None:
    path, made, options = CASES[case]
    found = []
    for package in ("dlt", "odp_dlt.dlt"):
        paginator = made(lib(package, ".paginators")) if made else None
        pages = client(package, api).paginate(f"/{path}", paginator=paginator, **deepcopy(options))
        found.append(([list(page) for page in pages], api.forget()))
    theirs, ours = found
    assert ours == theirs
    assert len(ours[0]) == len(ours[1])


@BOTH
def test_a_client_can_be_asked_again_and_again(package: str, api: Api) -> None:
    paginator = lib(package, ".paginators").OffsetPaginator(limit=4)
    asking = client(package, api, paginator=paginator, data_selector="data")
    params = {"status": "open"}
    for _ in range(2):
        pages = asking.paginate("offset", params=dict(params))
        assert [row["id"] for page in pages for row in page] == list(range(7))
    assert {asked.said("status") for asked in api.asked} == {"open"}


def test_what_was_passed_is_not_changed(api: Api) -> None:
    paginators = lib("odp_dlt.dlt", ".paginators")
    params, body = {"a": 1}, {"page": {"size": 3}}
    asking = client("odp_dlt.dlt", api)
    list(asking.paginate("offset", params=params, paginator=paginators.OffsetPaginator(9)))
    by_body = paginators.JSONResponseCursorPaginator(cursor_body_path="page.after")
    list(asking.paginate("body", method="POST", json=body, paginator=by_body))
    assert (params, body) == ({"a": 1}, {"page": {"size": 3}})


def auth_of(package: str, kind: str, api: Api) -> Any:
    auth = lib(package, ".auth")
    return {
        "bearer": lambda: auth.BearerTokenAuth(token="t"),
        "key in the header": lambda: auth.APIKeyAuth(name="X-Key", api_key="k"),
        "key in the query": lambda: auth.APIKeyAuth(name="key", api_key="k", location="query"),
        "basic": lambda: auth.HttpBasicAuth(username="ada", password="pé"),
        "client": lambda: auth.OAuth2ClientCredentials(
            access_token_url=f"{api.url}/token",
            client_id="id",
            client_secret="s",
            access_token_request_data={"scope": "read"},
        ),
    }[kind]()


@pytest.mark.parametrize(
    "kind", ["bearer", "key in the header", "key in the query", "basic", "client"]
)
def test_a_request_says_who_asks_as_in_dlt(
    kind: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = []
    for package in ("dlt", "odp_dlt.dlt"):
        asking = client(package, api, auth=auth_of(package, kind, api))
        for _ in range(2):
            list(asking.paginate("links"))
        found.append(
            [
                (asked, {asked.headers.get(name) for name in ("Authorization", "X-Key")})
                for asked in api.forget()
            ]
        )
    theirs, ours = found
    assert ours == theirs
    if kind == "client":
        assert [asked.path for asked, _ in ours].count("/token") == 1
    if kind == "basic":
        assert {f"Basic {base64.b64encode('ada:pé'.encode()).decode()}", None} == ours[0][1]


def test_an_api_key_can_be_a_cookie(api: Api) -> None:
    auth = lib("odp_dlt.dlt", ".auth").APIKeyAuth("session", "k", "cookie")
    client("odp_dlt.dlt", api, auth=auth).get("one")
    assert api.asked[0].headers["Cookie"] == "session=k"
    auth.location = "nowhere"
    with pytest.raises(ConfigError, match="cannot stand in 'nowhere'"):
        client("odp_dlt.dlt", api, auth=auth).get("one")


@BOTH
def test_a_status_of_failure_is_raised_without_secrets(package: str, api: Api) -> None:
    with pytest.raises(requests.HTTPError, match=r"404 Client Error") as error:
        list(client(package, api).paginate("gone", params={"api_key": "hush", "a": "1"}))
    error.value.response.close()
    assert "api_key=***&a=1" in str(error.value)
    assert "hush" not in str(error.value)


@BOTH
def test_a_hook_can_end_the_pages(package: str, api: Api) -> None:
    ignore = lib(package, ".exceptions").IgnoreResponseException

    def look(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        response.close()
        if response.status_code == 404:
            raise ignore

    assert list(client(package, api).paginate("gone", hooks={"response": [look]})) == []


@BOTH
def test_a_page_tells_what_was_asked_and_answered(package: str, api: Api) -> None:
    page = next(iter(client(package, api).paginate("json")))
    assert page.response.status_code == 200
    assert page.request.url == f"{api.url}/json?from=3"
    assert type(page.paginator).__name__ == "JSONLinkPaginator"


@BOTH
def test_pages_are_read_from_a_whole_url(package: str, api: Api) -> None:
    pages = lib(package).paginate(f"{api.url}/links", headers={"X-Own": "1"})
    assert [len(page) for page in pages] == [3, 3, 1]
    assert {asked.headers["X-Own"] for asked in api.asked} == {"1"}


def test_an_api_that_leads_in_a_circle_is_an_error() -> None:
    circle = serving(lambda asked: Told({"next": "{url}/a?page=2", "items": [{"id": 1}]}))
    with circle as running, pytest.raises(SourceError, match="leads to the page that it is") as e:
        list(client("odp_dlt.dlt", running).paginate("a"))
    assert str(e.value.at) == f"{running.url}/a?page=2"


PAGINATORS = "odp_dlt.dlt.sources.helpers.rest_client.paginators"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda p: p.OffsetPaginator(1, total_path=None, stop_after_empty_page=False), "never end"),
        (lambda p: p.PageNumberPaginator(page_param="a", page_body_path="b"), "page: give"),
        (lambda p: p.OffsetPaginator(1, limit_param="a", limit_body_path="b"), "limit: give"),
        (lambda p: p.JSONResponseCursorPaginator("a", "b", "c"), "cursor: give"),
    ],
)
def test_a_paginator_that_cannot_work_is_refused(made: Made, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        made(import_module(PAGINATORS))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nothing", "the response has nothing at 'nothing', where the paginator looks for a num"),
        ("data", r"the response says \[.*\] at 'data'"),
    ],
)
def test_a_total_that_is_none_is_told(path: str, says: str, api: Api) -> None:
    paginator = import_module(PAGINATORS).OffsetPaginator(limit=2, total_path=path)
    with pytest.raises(SourceError, match=says) as error:
        list(client("odp_dlt.dlt", api).paginate("offset", paginator=paginator))
    assert str(error.value.at) == f"{api.url}/offset"


def test_json_and_data_exclude_each_other(api: Api) -> None:
    with pytest.raises(ConfigError, match="both json and data"):
        client("odp_dlt.dlt", api).post("one", json={"a": 1}, data="b")


@BOTH
def test_a_signed_assertion_gets_a_token(
    package: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    jwt: Any = pytest.importorskip("jwt")
    rsa: Any = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    serial: Any = import_module("cryptography.hazmat.primitives.serialization")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    how = serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption()
    auth = lib(package, ".auth").OAuthJWTAuth(
        client_id="id",
        private_key=key.private_bytes(*how).decode(),
        auth_endpoint=f"{api.url}/token",
        scopes=["read", "write"],
    )
    for _ in range(2):
        client(package, api, auth=auth).get("one")

    token, *others = api.asked
    assert {asked.headers["Authorization"] for asked in others} == {"Bearer fresh"}
    sent = dict(parse_qsl(token.body))
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        sent["assertion"], key.public_key(), algorithms=["RS256"], audience=f"{api.url}/token"
    )
    assert (claims["iss"], claims["sub"], claims["scope"]) == ("id", "id", "read write")
    assert claims["exp"] - claims["iat"] == 3600
