"""What the README and the documents say is what happens."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from digits.settings import Settings, TrainingSettings
from digits.training.classifier.table import recipe_table
from support import ROOT
from support.server import Server, running

README = (ROOT / "README.md").read_text()
DOCS = {path.stem: path.read_text() for path in (ROOT / "docs").glob("*.md")}
ADDRESS = "http://127.0.0.1:5000"
CURL_LINES = re.findall(r"^curl [^#\n]*", README + DOCS["api"], re.MULTILINE)
OF_THE_MOMENT = ("id", "created_at", "links", "model", "networks")


def settings_table() -> str:
    """The rows that the settings classes make."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for settings in (Settings, TrainingSettings):
        for name, field in settings.model_fields.items():
            prefix = settings.model_config.get("env_prefix", "")
            default = None if field.default_factory else field.default
            if isinstance(default, tuple):
                default = ",".join(default)
            shown = "" if default in (None, "") else f"`{default}`"
            rows.append(f"| `{(prefix + name).upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def between(marks: str, document: str) -> str:
    return DOCS[document].partition(f"<!-- {marks} -->\n")[2].partition(f"\n<!-- /{marks} -->")[0]


def test_the_settings_table_is_that_of_the_classes() -> None:
    assert between("settings", "operating") == settings_table()


def test_the_table_of_recipes_is_that_of_the_reports() -> None:
    assert between("recipes", "training") == recipe_table()


def test_the_angular_service_is_that_of_the_application() -> None:
    shown = README.partition("## From Angular\n\n```ts\n")[2].partition("```")[0]
    assert shown.startswith("@Injectable")
    assert shown in (ROOT / "clients" / "angular" / "src" / "digit.service.ts").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As it starts in a clone, where `uploads` is there already."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "uploads").mkdir()
    shutil.copy(ROOT / "uploads" / ".gitkeep", folder / "uploads")
    with running(folder, workers="1") as server:
        yield server


def run(line: str, server: Server) -> str:
    command = line.replace("curl ", "curl --silent --show-error --fail ", 1).replace(ADDRESS, server.url)
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("line", CURL_LINES)
def test_each_curl_line_works(server: Server, line: str) -> None:
    assert ADDRESS in line
    json.loads(run(line, server))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_curl_line_gets_the_answer_that_follows_it(server: Server) -> None:
    shown = json.loads(README.partition("```json\n")[2].partition("```")[0])
    answer = json.loads(run(CURL_LINES[0], server))
    assert list(answer) == list(shown)
    # Other processors round other decimals.
    assert answer["confidence"] == pytest.approx(shown["confidence"], abs=1e-3)
    for reply in (answer, shown):
        del reply["confidence"], reply["digits"][0]["confidence"], reply["digits"][0]["probabilities"]
        for field in OF_THE_MOMENT:
            del reply[field]
    assert answer == shown
