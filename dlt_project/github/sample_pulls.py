"""Invents pull requests in the shape of GitHub's REST API, the same for the same number.

All people, teams and texts are made up. Between `FIRST_DAY` and any later day the count of a day
follows from its weekday alone, so a number leads to its day without a table.
"""

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

Row = dict[str, Any]

FIRST_DAY = date(2015, 1, 5)  # a Monday; the repository is empty before
PER_WEEKDAY = (352, 391, 377, 368, 340, 258, 251)  # Monday first
PER_WEEK = sum(PER_WEEKDAY)

API = "https://api.github.com"
WEB = "https://github.com"

PEOPLE = tuple(
    f"{manner}-{animal}"
    for manner in ("quiet", "rapid", "amber", "north", "tidy", "bold", "lunar", "mild")
    for animal in ("otter", "heron", "lynx", "finch", "marmot", "gecko")
)
TEAMS = ("core", "integrations", "docs", "release-crew")
LABELS = (
    ("bug", "d73a4a", "Something does not work"),
    ("enhancement", "a2eeef", "New, or better than before"),
    ("documentation", "0075ca", None),
    ("dependencies", "0366d6", "Moves a dependency"),
    ("performance", "fbca04", "Makes it faster"),
    ("breaking", "b60205", "Callers have to change"),
    ("area: storage", "c5def5", None),
    ("area: ui", "c5def5", "What a person sees"),
    ("needs tests", "e99695", None),
    ("good first review", "7057ff", "Small and easy to read"),
)
VERBS = ("Fix", "Add", "Remove", "Speed up", "Document", "Rename", "Test", "Simplify")
SUBJECTS = (
    "the partition picker", "retries on timeout", "naïve timestamps in logs", "the run queue",
    "asset health", "the schema diff", "loading of empty files", "the “latest” filter",
)  # fmt: skip
ASSOCIATIONS = ("MEMBER", "CONTRIBUTOR", "COLLABORATOR", "FIRST_TIME_CONTRIBUTOR")

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPO_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def opened_through(day: date) -> int:
    """How many pull requests were opened until the end of `day`: the number of the newest one."""
    weeks, weekday = divmod((day - FIRST_DAY).days, 7)
    return max(0, weeks * PER_WEEK + sum(PER_WEEKDAY[: weekday + 1]))


def pull_request(repo: str, number: int) -> Row:
    """The pull request `number` (from 1) of `repo`, as the list of pull requests shows it."""
    random = Random(f"{repo}#{number}")
    opened = _opened_at(number)
    author = random.choice(PEOPLE)
    return {
        **_identity(repo, number, random),
        **_times(random, opened),
        "user": _user(author),
        **_people(repo, random, author),
        "labels": [_label(repo, *label) for label in random.sample(LABELS, random.randint(0, 4))],
        "milestone": _milestone(repo, random, opened),
        "head": _branch(_fork(repo, author, random), random, f"{author}/change-{number}"),
        "base": _branch(_repository(repo), random, "main"),
    }


def _opened_at(number: int) -> datetime:
    """Later for a higher number; the first one of a day is opened as the day begins."""
    weeks, place = divmod(number - 1, PER_WEEK)
    weekday = 0
    while place >= PER_WEEKDAY[weekday]:
        place -= PER_WEEKDAY[weekday]
        weekday += 1
    day = FIRST_DAY + timedelta(weeks=weeks, days=weekday)
    seconds = place * 86_400 // PER_WEEKDAY[weekday]
    return datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)


def _identity(repo: str, number: int, random: Random) -> Row:
    api, web = f"{API}/repos/{repo}", f"{WEB}/{repo}/pull/{number}"
    links = {
        "self": f"{api}/pulls/{number}",
        "html": web,
        "issue": f"{api}/issues/{number}",
        "comments": f"{api}/issues/{number}/comments",
        "review_comments": f"{api}/pulls/{number}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{api}/pulls/{number}/commits",
        "statuses": f"{api}/statuses/{_sha(repo, number)}",
    }
    urls = {f"{name}_url": href for name, href in links.items() if name not in ("self", "html")}
    return {
        "url": links["self"],
        "id": 1_600_000_000 + number,
        "node_id": _node("PR", number),
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "number": number,
        "title": f"{random.choice(VERBS)} {random.choice(SUBJECTS)}",
        "body": random.choice([None, "", "## Why\r\n\r\nSee the issue.\r\n\r\n- [x] tests"]),
        "draft": random.random() < 0.1,
        "locked": False,
        "active_lock_reason": None,
        "author_association": random.choice(ASSOCIATIONS),
        "auto_merge": None,
        **urls,
        "_links": {name: {"href": href} for name, href in links.items()},
    }


def _times(random: Random, opened: datetime) -> Row:
    touched = opened + timedelta(seconds=random.randint(60, 400_000))
    outcome = random.choices(("open", "closed", "merged"), (2, 1, 7))[0]
    merged = outcome == "merged"
    return {
        "state": "open" if outcome == "open" else "closed",
        "created_at": _iso(opened),
        "updated_at": _iso(touched),
        "closed_at": None if outcome == "open" else _iso(touched),
        "merged_at": _iso(touched) if merged else None,
        "merge_commit_sha": _sha("merge", opened) if merged else None,
    }


def _people(repo: str, random: Random, author: str) -> Row:
    owner, _, _ = repo.partition("/")
    others = [person for person in PEOPLE if person != author]
    assignees = random.sample(others, random.choices((0, 1, 2), (5, 4, 1))[0])
    teams = random.sample(TEAMS, random.choices((0, 1, 2), (5, 4, 1))[0])
    return {
        "assignee": _user(assignees[0]) if assignees else None,
        "assignees": [_user(login) for login in assignees],
        "requested_reviewers": [_user(who) for who in random.sample(others, random.randint(0, 3))],
        "requested_teams": [_team(owner, name) for name in teams],
    }


def _user(login: str, kind: str = "User") -> Row:
    number, api = _id(login), f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": _node("U", number),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{WEB}/{login}",
        **{name: api + path for name, path in USER_LINKS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def _team(owner: str, name: str) -> Row:
    number = _id(owner, name)
    api = f"{API}/organizations/{_id(owner)}/team/{number}"
    return {
        "name": name,
        "id": number,
        "node_id": _node("T", number),
        "slug": name,
        "description": f"The {name} team",
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "url": api,
        "html_url": f"{WEB}/orgs/{owner}/teams/{name}",
        "members_url": f"{api}/members{{/member}}",
        "repositories_url": f"{api}/repos",
        "permission": "push",
        "parent": None,
    }


def _label(repo: str, name: str, color: str, description: str | None) -> Row:
    number = _id(repo, "label", name)
    return {
        "id": number,
        "node_id": _node("LA", number),
        "url": f"{API}/repos/{repo}/labels/{name.replace(' ', '%20')}",
        "name": name,
        "color": color,
        "default": name in ("bug", "enhancement", "documentation"),
        "description": description,
    }


def _milestone(repo: str, random: Random, opened: datetime) -> Row | None:
    if random.random() < 0.7:
        return None
    number = opened.year * 12 + opened.month - FIRST_DAY.year * 12
    started = datetime(opened.year, opened.month, 1, tzinfo=UTC)
    api = f"{API}/repos/{repo}/milestones/{number}"
    return {
        "url": api,
        "html_url": f"{WEB}/{repo}/milestone/{number}",
        "labels_url": f"{api}/labels",
        "id": _id(repo, "milestone", number),
        "node_id": _node("MI", number),
        "number": number,
        "title": f"{opened:%Y-%m}",
        "description": None,
        "creator": _user(PEOPLE[number % len(PEOPLE)]),
        "open_issues": number % 9,
        "closed_issues": number % 31,
        "state": "open",
        "created_at": _iso(started),
        "updated_at": _iso(started),
        "due_on": _iso(started + timedelta(days=27)),
        "closed_at": None,
    }


def _branch(repository: Row | None, random: Random, ref: str) -> Row:
    owner = repository["owner"]["login"] if repository else "ghost"
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": _sha(ref, random.random()),
        "user": repository["owner"] if repository else None,
        "repo": repository,
    }


def _fork(repo: str, author: str, random: Random) -> Row | None:
    """Where a change comes from: the repository itself, a fork, or a fork that is gone."""
    place = random.choices(("here", "fork", "gone"), (5, 14, 1))[0]
    if place == "gone":
        return None
    if place == "here":
        return _repository(repo)
    _, _, name = repo.partition("/")
    return _repository(f"{author}/{name}", fork=True)


def _repository(repo: str, fork: bool = False) -> Row:
    owner, name = repo.split("/")
    number, api, web = _id(repo), f"{API}/repos/{repo}", f"{WEB}/{repo}"
    return {
        "id": number,
        "node_id": _node("R", number),
        "name": name,
        "full_name": repo,
        "private": False,
        "owner": _user(owner, "User" if fork else "Organization"),
        "html_url": web,
        "description": f"An invented copy of {name}" if fork else f"An invented {name}",
        "fork": fork,
        "url": api,
        **{link: api + path for link, path in REPO_LINKS.items()},
        **_clone_urls(repo),
        **_figures(number, fork),
    }


def _clone_urls(repo: str) -> Row:
    return {
        "git_url": f"git://github.com/{repo}.git",
        "ssh_url": f"git@github.com:{repo}.git",
        "clone_url": f"{WEB}/{repo}.git",
        "svn_url": f"{WEB}/{repo}",
        "mirror_url": None,
        "homepage": "" if _id(repo) % 2 else "https://example.org",
    }


def _figures(number: int, fork: bool) -> Row:
    stars, forks, issues = (number % 7, 0, 0) if fork else (12_345, 1_234, 2_345)
    license_ = {"key": "apache-2.0", "name": "Apache License 2.0", "spdx_id": "Apache-2.0"}
    begun = datetime.combine(FIRST_DAY, time(), UTC) - timedelta(days=number % 365)
    return {
        "created_at": _iso(begun),
        "updated_at": _iso(begun + timedelta(days=30)),
        "pushed_at": _iso(begun + timedelta(days=31)),
        "size": number % 100_000,
        "stargazers_count": stars,
        "watchers_count": stars,
        "watchers": stars,
        "forks_count": forks,
        "forks": forks,
        "open_issues_count": issues,
        "open_issues": issues,
        "language": "Python",
        "license": {**license_, "url": f"{API}/licenses/apache-2.0", "node_id": "MDc6TGljZW5zZTI="},
        "topics": [] if fork else ["data-pipelines", "orchestration"],
        "visibility": "public",
        "default_branch": "main",
        "archived": False,
        "disabled": False,
        "is_template": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "has_issues": not fork,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": not fork,
        "has_pages": False,
        "has_discussions": not fork,
    }


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _sha(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _id(*parts: object) -> int:
    return 1_000_000 + int(_sha(*parts)[:7], 16)


def _node(kind: str, number: int) -> str:
    return f"{kind}_kwDO{number:012x}"
