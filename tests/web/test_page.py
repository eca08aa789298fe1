"""The page's files."""

import re

import pytest
from flask.testing import FlaskClient

BUDGET = 40 * 1024
"""Bytes, uncompressed, that the page is loaded with on a phone far from everything."""
IMPORTED = re.compile(r"""(?:\bfrom|^import)\s*["']\./([^"']+)["']""", re.MULTILINE)
"""A file that a module imports or exports from as it is loaded, on however many lines; not what import() loads."""
EXTERNAL = re.compile(r"""(src|href)=["'](https?:)?//""")


def text_of(client: FlaskClient, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    text = response.get_data(as_text=True)
    response.close()
    return text


def loaded(client: FlaskClient) -> dict[str, str]:
    """By path, the page and all that is loaded with it; not what is imported when it is needed."""
    files = {"/": text_of(client, "/")}
    new = {f"/{path}" for path in re.findall(r'(?:src|href)="(static/[^"]+)"', files["/"])}
    while new:
        path = new.pop()
        files[path] = text_of(client, path)
        new |= {f"/static/{name}" for name in IMPORTED.findall(files[path])} - files.keys()
    return files


@pytest.mark.parametrize(
    "statement",
    ["import { t } from './x.js';", 'import {\n\tt,\n} from "./x.js"', "import './x.js'", "export * from './x.js'"],
)
def test_an_import_of_any_form_is_seen(statement: str) -> None:
    assert IMPORTED.findall(statement) == ["x.js"]


def test_what_is_imported_when_it_is_needed_is_not_loaded_with_the_page() -> None:
    assert IMPORTED.findall("(await import('./x.js')).list();\nimport('./x.js')") == []


def test_the_page_is_small(client: FlaskClient) -> None:
    files = loaded(client)
    assert len(files) > 10
    assert sum(len(text.encode()) for text in files.values()) < BUDGET


def test_the_page_loads_nothing_by_an_absolute_url_so_that_it_works_under_any_path(client: FlaskClient) -> None:
    for path, text in loaded(client).items():
        assert not EXTERNAL.search(text), path
        assert not re.search(r"""(fetch|call|json|open)\(["'`]/""", text), path


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "html"), ("/static/page.js", "javascript"), ("/static/style.css", "css")]
)
def test_the_page_is_asked_for_each_time_and_may_load_nothing_from_elsewhere(
    client: FlaskClient, path: str, kind: str
) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert str(response.mimetype).endswith(kind)
    assert response.headers["Cache-Control"] == "no-cache, max-age=0"
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not any("http" in part or "*" in part or "unsafe" in part for part in policy)
    response.close()


@pytest.mark.parametrize("path", ["/static/index.html", "/docs/index.html"])
def test_a_page_is_only_where_its_relative_urls_lead_somewhere(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
