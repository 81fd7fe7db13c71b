"""How an API says what comes after a page, and how the next request asks for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

from requests import Request, Response

from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.extract.jsonpath import TJsonPath, compile_path, find_values, set_value_at_path
from odp_dlt.settings.convert import convert

Data = list[Any] | None


class BasePaginator(ABC):
    """Looks at each response, and changes the request into the next one."""

    def __init__(self) -> None:
        self._has_next_page = True

    @property
    def has_next_page(self) -> bool:
        """Whether there is another page, as the last response says."""
        return self._has_next_page

    def init_request(self, request: Request) -> None:  # noqa: B027 - many have nothing to do
        """Called once, before the first request is sent."""

    @abstractmethod
    def update_state(self, response: Response, data: Data = None) -> None:
        """Learn from a response, whose rows are `data`, whether and how it goes on."""

    @abstractmethod
    def update_request(self, request: Request) -> None:
        """Make of the request the one for the next page."""


class SinglePagePaginator(BasePaginator):
    """There is one page."""

    def update_state(self, response: Response, data: Data = None) -> None:
        self._has_next_page = False

    def update_request(self, request: Request) -> None:
        return


class RangePaginator(BasePaginator):
    """A number that grows by `value_step`, as a parameter or in the body of the request.

    It ends at a page without rows, at `maximum_value`, at the total that the response tells, or
    when the response says that there is no more. ConfigError if nothing could ever end it.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - dlt's arguments
        self,
        param_name: str | None,
        initial_value: int,
        value_step: int,
        base_index: int = 0,
        maximum_value: int | None = None,
        total_path: TJsonPath | None = None,
        error_message_items: str = "items",
        stop_after_empty_page: bool | None = True,
        *,
        has_more_path: TJsonPath | None = None,
        param_body_path: str | None = None,
    ) -> None:
        super().__init__()
        if not (total_path or maximum_value is not None or has_more_path or stop_after_empty_page):
            raise ConfigError(
                f"{type(self).__name__} would never end",
                hint="Say a total_path, a maximum, a has_more_path or stop_after_empty_page.",
            )
        self.param_name, self.param_body_path = _one(param_name, param_body_path, "param")
        self.initial_value = self.current_value = initial_value
        self.value_step, self.base_index = value_step, base_index
        self.maximum_value = maximum_value
        self.total_path = compile_path(total_path) if total_path else None
        self.error_message_items = error_message_items
        self.stop_after_empty_page = stop_after_empty_page
        self.has_more_path = compile_path(has_more_path) if has_more_path else None

    def init_request(self, request: Request) -> None:
        self._has_next_page = True
        self.current_value = self.initial_value
        self.update_request(request)

    def update_state(self, response: Response, data: Data = None) -> None:
        if self.stop_after_empty_page and not data:
            self._has_next_page = False
            return
        total = None if self.total_path is None else _said(response, self.total_path, int)
        self.current_value += self.value_step
        ends = [self.maximum_value, None if total is None else total + self.base_index]
        goes_on = all(end is None or self.current_value < end for end in ends)
        if self.has_more_path is not None:
            goes_on = goes_on and _said(response, self.has_more_path, bool)
        self._has_next_page = goes_on

    def update_request(self, request: Request) -> None:
        _ask(request, self.param_name, self.param_body_path, self.current_value)


class PageNumberPaginator(RangePaginator):
    """Pages by number, the first of which is `base_page`; `page` is the one to begin with."""

    def __init__(  # noqa: PLR0913 - dlt's arguments
        self,
        base_page: int = 0,
        page: int | None = None,
        page_param: str | None = None,
        total_path: TJsonPath | None = "total",
        maximum_page: int | None = None,
        stop_after_empty_page: bool | None = True,
        *,
        has_more_path: TJsonPath | None = None,
        page_body_path: str | None = None,
    ) -> None:
        name, path = _one(page_param, page_body_path, "page", "page")
        super().__init__(
            param_name=name,
            param_body_path=path,
            initial_value=base_page if page is None else page,
            base_index=base_page,
            value_step=1,
            total_path=total_path,
            maximum_value=maximum_page,
            error_message_items="pages",
            stop_after_empty_page=stop_after_empty_page,
            has_more_path=has_more_path,
        )


class OffsetPaginator(RangePaginator):
    """`limit` rows from an offset on."""

    def __init__(  # noqa: PLR0913 - dlt's arguments
        self,
        limit: int,
        offset: int = 0,
        offset_param: str | None = None,
        limit_param: str | None = None,
        total_path: TJsonPath | None = "total",
        maximum_offset: int | None = None,
        stop_after_empty_page: bool | None = True,
        *,
        has_more_path: TJsonPath | None = None,
        offset_body_path: str | None = None,
        limit_body_path: str | None = None,
    ) -> None:
        name, path = _one(offset_param, offset_body_path, "offset", "offset")
        self.limit_param, self.limit_body_path = _one(
            limit_param, limit_body_path, "limit", "limit"
        )
        self.limit = limit
        super().__init__(
            param_name=name,
            param_body_path=path,
            initial_value=offset,
            value_step=limit,
            total_path=total_path,
            maximum_value=maximum_offset,
            stop_after_empty_page=stop_after_empty_page,
            has_more_path=has_more_path,
        )

    def update_request(self, request: Request) -> None:
        super().update_request(request)
        _ask(request, self.limit_param, self.limit_body_path, self.limit)


class BaseReferencePaginator(BasePaginator):
    """The response holds what the next request needs; set `_next_reference` to it, or to None."""

    def __init__(self) -> None:
        super().__init__()
        self._reference: Any = None

    @property
    def next_reference(self) -> Any:
        """What the next request is asked by; None at the end."""
        return self._reference

    @property
    def _next_reference(self) -> Any:
        return self._reference

    @_next_reference.setter
    def _next_reference(self, value: Any) -> None:
        self._reference = value
        self._has_next_page = value is not None


class BaseNextUrlPaginator(BaseReferencePaginator):
    """The response holds the URL of the next page, whole or relative."""

    def update_request(self, request: Request) -> None:
        following = self._next_reference
        if following and not urlsplit(following).scheme:
            following = urljoin(request.url, following)
        request.url = following
        request.params = {}


class HeaderLinkPaginator(BaseNextUrlPaginator):
    """The URL is in the Link header, under `rel="next"` unless said otherwise."""

    def __init__(self, links_next_key: str = "next") -> None:
        super().__init__()
        self.links_next_key = links_next_key

    def update_state(self, response: Response, data: Data = None) -> None:
        self._next_reference = response.links.get(self.links_next_key, {}).get("url")


class JSONLinkPaginator(BaseNextUrlPaginator):
    """The URL is in the body."""

    def __init__(self, next_url_path: TJsonPath = "next") -> None:
        super().__init__()
        self.next_url_path = compile_path(next_url_path)

    def update_state(self, response: Response, data: Data = None) -> None:
        self._next_reference = next(iter(find_values(self.next_url_path, response.json())), None)


class JSONResponsePaginator(JSONLinkPaginator):
    """The old name of JSONLinkPaginator."""


class JSONResponseCursorPaginator(BaseReferencePaginator):
    """A cursor is in the body, and goes into a parameter or the body of the next request."""

    def __init__(
        self,
        cursor_path: TJsonPath = "cursors.next",
        cursor_param: str | None = None,
        cursor_body_path: str | None = None,
        *,
        stop_after_empty_page: bool = False,
        has_more_path: TJsonPath | None = None,
    ) -> None:
        super().__init__()
        self.cursor_path = compile_path(cursor_path)
        self.cursor_param, self.cursor_body_path = _one(
            cursor_param, cursor_body_path, "cursor", "cursor"
        )
        self.stop_after_empty_page = stop_after_empty_page
        self.has_more_path = compile_path(has_more_path) if has_more_path else None

    def update_state(self, response: Response, data: Data = None) -> None:
        found = find_values(self.cursor_path, response.json())
        self._next_reference = (found[0] or None) if found else None
        if self.stop_after_empty_page and not data:
            self._has_next_page = False
        elif self.has_more_path is not None:
            more = _said(response, self.has_more_path, bool)
            self._has_next_page = self._has_next_page and more

    def update_request(self, request: Request) -> None:
        _ask(request, self.cursor_param, self.cursor_body_path, self._next_reference)


class HeaderCursorPaginator(BaseReferencePaginator):
    """A cursor is in a header, and goes into a parameter of the next request."""

    def __init__(self, cursor_key: str = "next", cursor_param: str = "cursor") -> None:
        super().__init__()
        self.cursor_key, self.cursor_param = cursor_key, cursor_param

    def update_state(self, response: Response, data: Data = None) -> None:
        self._next_reference = response.headers.get(self.cursor_key)

    def update_request(self, request: Request) -> None:
        _ask(request, self.cursor_param, None, self._next_reference)


def _one(
    param: str | None, path: str | None, what: str, default: str | None = None
) -> tuple[str | None, str | None]:
    """The name of a parameter or a path into the body, whichever is given; ConfigError for both."""
    if param is None and path is None:
        param = default
    if bool(param) == bool(path):
        raise ConfigError(
            f"{what}: give the name of a parameter or a path into the body, one of the two"
        )
    return param or None, path or None


def _ask(request: Request, param: str | None, body_path: str | None, value: Any) -> None:
    if body_path is not None:
        request.json = {} if request.json is None else request.json
        set_value_at_path(request.json, body_path, value)
    else:
        request.params = {} if request.params is None else request.params
        request.params[param] = value


def _said(response: Response, path: TJsonPath, kind: Callable[[Any], Any]) -> Any:
    """What the response tells at `path`, as an int or a bool. SourceError if it does not."""
    found = find_values(path, response.json())
    try:
        if not found or found[0] is None or (kind is int and isinstance(found[0], bool)):
            raise ValueError("not there")
        return convert(found[0], kind)
    except (ValueError, TypeError) as e:
        told = f"says {found[0]!r} at" if found else "has nothing at"
        raise SourceError(
            f"the response {told} '{path}', where the paginator looks for "
            f"{'a number' if kind is int else 'true or false'}",
            at=response.url.partition("?")[0],
            hint="Say the right path to the paginator, or None if there is no such thing.",
        ) from e
