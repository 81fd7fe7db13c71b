"""An API that a dict describes: the rows and the requests are those of dlt."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from typing import Any

import pytest
import requests

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, SourceError
from tests.compat.api_server import Api, Asked, Told, serving
from tests.conftest import Loaded

Json = dict[str, Any]
POSTS: list[Json] = [
    {"id": n, "slug": f"post-{n}", "updated_at": f"2024-01-0{n}", "author": {"id": 10 * n}}
    for n in range(1, 6)
]


def answer(asked: Asked) -> Told:  # noqa: PLR0911 - one for each path
    """Posts, comments on them (none on the fourth), users, and a search."""
    match asked.path.strip("/").split("/"):
        case ["posts"]:
            since, page = asked.said("since"), int(asked.said("page", "1"))
            rows = [row for row in POSTS if row["updated_at"] >= since]
            body = {"data": rows[(page - 1) * 2 : page * 2], "pages": -(-len(rows) // 2)}
            return Told(body)
        case ["posts", number]:
            return Told(POSTS[int(number) - 1])
        case ["posts", "4", "comments"]:
            return Told({"error": "comments are closed"}, status=404)
        case ["posts", number, "comments"]:
            return Told([{"id": int(number) * 100 + n, "text": f"c{n}"} for n in range(2)])
        case ["users", number]:
            return Told({"id": int(number), "name": f"user {number}"})
        case ["search"]:
            return Told({"results": [{"asked": asked.body, "by": asked.headers.get("X-Post")}]})
    return Told({"error": "nothing here"}, status=404)


@pytest.fixture(scope="module")
def served() -> Iterator[Api]:
    with serving(answer) as running:
        yield running


@pytest.fixture
def api(served: Api) -> Api:
    served.forget()
    return served


PAGES = {"type": "page_number", "base_page": 1, "total_path": "pages"}
POST_LIST = {"name": "posts", "endpoint": {"path": "posts", "paginator": PAGES}}


def with_posts(**child: Any) -> Json:
    return {"resources": [POST_LIST, {"name": "child", **child}]}


CONFIGS: dict[str, Json] = {
    "a name": {"resources": ["posts"]},
    "a path as the endpoint": {"resources": [{"name": "all", "endpoint": "posts"}]},
    "pages": {"resources": [POST_LIST]},
    "defaults": {
        "resource_defaults": {
            "primary_key": "id",
            "endpoint": {"params": {"since": "2024-01-03", "a": 1}, "paginator": PAGES},
        },
        "resources": [{"name": "posts", "endpoint": {"params": {"a": 2}}}],
    },
    "a value in the path": {
        "resources": [{"name": "one", "endpoint": {"path": "posts/{n}", "params": {"n": 2}}}]
    },
    "children by an expression": with_posts(
        endpoint={
            "path": "posts/{resources.posts.id}/comments",
            "response_actions": [{"status_code": 404, "action": "ignore"}],
        },
        include_from_parent=["id", "slug"],
    ),
    "children by a param": with_posts(
        endpoint={
            "path": "posts/{number}/comments",
            "params": {
                "number": {"type": "resolve", "resource": "posts", "field": "id"},
                "sort": "up",
            },
            "response_actions": [{"content": "closed", "action": "ignore"}],
        },
    ),
    "children by a nested field": with_posts(
        endpoint={"path": "users/{resources.posts.author.id}"}
    ),
    "expressions in the body and the headers": with_posts(
        endpoint={
            "path": "search",
            "method": "POST",
            "json": {"id": "{resources.posts.id}", "text": "post {resources.posts.slug}"},
            "headers": {"X-Post": "{resources.posts.slug}"},
            "data_selector": "results",
        },
    ),
    "expressions in params": with_posts(
        endpoint={"path": "posts/1", "params": {"of": "{resources.posts.slug}"}}
    ),
    "a cursor as a param": {
        "resources": [
            {
                "name": "posts",
                "endpoint": {
                    "paginator": PAGES,
                    "incremental": {
                        "start_param": "since",
                        "cursor_path": "updated_at",
                        "initial_value": "2024-01-03",
                    },
                },
            }
        ]
    },
    "a cursor in a param, converted": {
        "resources": [
            {
                "name": "posts",
                "endpoint": {
                    "paginator": PAGES,
                    "params": {
                        "since": {
                            "type": "incremental",
                            "cursor_path": "updated_at",
                            "initial_value": "2024-01-03T12:00",
                            "convert": lambda value: value[:10],
                        }
                    },
                },
            }
        ]
    },
    "a cursor in braces, with an end": {
        "resources": [
            {
                "name": "posts",
                "endpoint": {
                    "paginator": PAGES,
                    "params": {"since": "{incremental.start_value}"},
                    "incremental": {
                        "end_param": "until",
                        "cursor_path": "updated_at",
                        "initial_value": "2024-01-02",
                        "end_value": "2024-01-05",
                    },
                },
            }
        ]
    },
    "steps": {
        "resources": [
            {
                **POST_LIST,
                "processing_steps": [
                    {"filter": lambda row: row["id"] > 2},
                    {"map": lambda row: {**row, "twice": 2 * row["id"]}},
                    {"yield_map": lambda row: iter([row, {"copy": row["id"]}])},
                ],
            }
        ]
    },
    "children beside each other": with_posts(
        endpoint={"path": "users/{resources.posts.id}"}, parallelized=True
    ),
}


def made(package: str, api: Api, config: Mapping[str, Any], **client: Any) -> Any:
    session = requests.Session()
    session.trust_env = False
    whole = {"client": {"base_url": api.url, "session": session, **client}, **deepcopy(config)}
    return import_module(f"{package}.sources.rest_api").rest_api_source(whole)


@pytest.mark.parametrize("case", CONFIGS)
def test_rows_and_requests_are_those_of_dlt(case: str, api: Api) -> None:
    found = []
    for package in ("dlt", "odp_dlt.dlt"):
        names = list(made(package, api, CONFIGS[case]).resources)
        rows = {
            name: sorted(map(repr, made(package, api, CONFIGS[case]).with_resources(name)))
            for name in names
        }
        found.append((names, rows, sorted(map(repr, api.forget()))))
    theirs, ours = found
    assert ours == theirs
    assert all(ours[1].values())


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        ({"token": "t"}, "Bearer t"),
        ({"type": "bearer", "token": "t"}, "Bearer t"),
        ({"type": "api_key", "name": "Authorization", "api_key": "k"}, "k"),
        ({"type": "http_basic", "username": "a", "password": "b"}, "Basic YTpi"),
    ],
)
@pytest.mark.parametrize("package", ["dlt", "odp_dlt.dlt"])
def test_auth_is_said_by_a_dict(package: str, auth: Json, sent: str, api: Api) -> None:
    list(made(package, api, CONFIGS["a name"], auth=auth))
    assert {asked.headers["Authorization"] for asked in api.asked} == {sent}


def test_it_loads_and_goes_on_where_it_was(api: Api, place: Loaded) -> None:
    config = {
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            CONFIGS["a cursor as a param"]["resources"][0],
            {
                "name": "authors",
                "endpoint": {"path": "users/{resources.posts.author.id}"},
                "include_from_parent": ["slug"],
            },
        ],
    }
    first = place.load(made("odp_dlt.dlt", api, config))
    assert first.row_counts == {"posts": 3, "authors": 3}
    again = place.load(made("odp_dlt.dlt", api, config))
    assert again.row_counts == {"posts": 0, "authors": 0}
    assert [asked.said("since") for asked in api.asked if asked.path == "/posts"] == [
        *("2024-01-03", "2024-01-03"),
        "2024-01-05",
    ]
    assert place.rows("SELECT name, _posts_slug FROM data.authors ORDER BY id LIMIT 1") == [
        ("user 30", "post-3")
    ]


def test_the_keys_of_the_config_are_arguments_of_a_source(api: Api) -> None:
    rest_api = import_module("odp_dlt.dlt.sources.rest_api").rest_api
    given = rest_api(client={"base_url": api.url}, resources=["users/1"])
    assert list(given) == [{"id": 1, "name": "user 1"}]


def test_a_resource_of_ones_own_can_be_a_parent(api: Api) -> None:
    own = dlt.resource([{"id": 1}, {"id": 2}], name="own")
    child = {"name": "users", "endpoint": {"path": "users/{resources.own.id}"}}
    source = made("odp_dlt.dlt", api, {"resources": [own, child]})
    assert [row["name"] for row in source.with_resources("users")] == ["user 1", "user 2"]


def endpoint(**said: Any) -> Json:
    return {"resources": ["posts", {"name": "a", "endpoint": {"path": "a", **said}}]}


WRONG: list[tuple[Json, str]] = [
    ({"resources": ["posts"], "resource": []}, "the REST API: resource: Extra inputs"),
    (endpoint(pth="b"), r"resources\[1\] of the REST API: endpoint.pth: Extra inputs"),
    ({"resources": [5]}, r"resources\[0\] of the REST API is a int"),
    ({"resources": ["a", "a"]}, "two resources named 'a'"),
    ({"resources": [{"name": "a", "primry_key": "id"}]}, "no argument 'primry_key'"),
    (endpoint(path="{id}"), "its path needs a param 'id'"),
    (endpoint(params={"x": "{nothing}"}), "'{nothing}' is not known"),
    (endpoint(params={"x": "{incremental.start_value}"}), "'{incremental.start_value}' is not kn"),
    (endpoint(params={"x": {"type": "resolve", "field": "id"}}), "param 'x' lacks 'resource'"),
    (endpoint(params={"x": {"type": "else"}}), "the param 'x' has no type of"),
    (endpoint(path="{resources.post.id}"), "takes from 'post', which there is not"),
    (endpoint(path="{resources.posts.id}/{resources.a.id}"), "several parents: a, posts"),
    (endpoint(path="{resources.a.id}"), "feed each other in a circle"),
    (endpoint(paginator="pages"), "there is no paginator 'pages'"),
    (endpoint(paginator={"type": "offset"}), "the paginator 'offset': .*limit"),
    (endpoint(auth={"type": "oauth"}), "there is no auth 'oauth'"),
    (endpoint(auth={"type": "bearer"}), "the auth 'bearer' lacks: token"),
    (endpoint(auth=5), "auth cannot be a int"),
    (endpoint(incremental={"cursor": "a"}), "incremental of resource 'a'"),
    (
        endpoint(incremental={"cursor_path": "a"}, params={"b": dlt.sources.incremental("b")}),
        "several incrementals",
    ),
    (
        {"resources": [{"name": "a", "include_from_parent": ["b"]}]},
        "include_from_parent, but no parent",
    ),
    (
        {"resources": [{"name": "a", "processing_steps": [{"mop": len}]}]},
        "no processing step 'mop'",
    ),
]


@pytest.mark.parametrize(("config", "says"), WRONG)
def test_a_config_that_is_none_is_refused_before_anything_is_asked(
    config: Json, says: str, api: Api
) -> None:
    with pytest.raises(ConfigError, match=says):
        made("odp_dlt.dlt", api, config, auth={"token": "hush"})
    assert api.asked == []


def test_an_error_of_the_config_shows_no_secret(api: Api) -> None:
    with pytest.raises(ConfigError, match="hedaers: Extra inputs") as error:
        made("odp_dlt.dlt", api, {"resources": []}, auth={"token": "hush"}, hedaers={})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("action", [5, {"action": "ignore"}, {"status_code": 1, "action": "stop"}])
def test_a_response_action_that_is_none_is_told(action: Any, api: Api) -> None:
    config = {"resources": [{"name": "posts", "endpoint": {"response_actions": [action]}}]}
    with pytest.raises(ConfigError, match="a response action cannot be"):
        made("odp_dlt.dlt", api, config)


def test_a_field_that_the_parent_lacks_is_told_with_those_that_it_has(api: Api) -> None:
    for child in (
        {"endpoint": {"path": "users/{resources.posts.idd}"}},
        {"endpoint": {"path": "users/{resources.posts.id}"}, "include_from_parent": ["idd"]},
    ):
        source = made("odp_dlt.dlt", api, with_posts(**child))
        with pytest.raises(SourceError, match=r"takes 'idd' from the rows of 'posts'") as error:
            list(source.with_resources("child"))
        assert "Did you mean 'id'?" in str(error.value)
