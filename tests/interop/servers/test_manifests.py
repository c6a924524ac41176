"""compose.yaml, the manifests and each connect.toml of `docs/operations`: schemas, and what these cannot see."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from connect_core.cli.keys import new_key
from connect_core.settings import Settings, load_settings

from ...conftest import Require
from .operations import OPERATIONS, find_program, lint, read_yaml
from .proxies import Ports, write_certificate, write_nginx

COMPOSE = "docker/compose.yaml"
MANIFESTS = [f"kubernetes/{path.name}" for path in sorted((OPERATIONS / "kubernetes").glob("*.yaml"))]
SECRET = re.compile(r'"file:(/run/[^"]+)/([^"/]+)"')
"""A secret of a connect.toml: its folder and the name of its file."""


@pytest.fixture(autouse=True)
def readers(require: Require) -> None:
    """What reads YAML."""
    require(find_spec("yaml"), "PyYAML is in tox's environment `servers`")


def read_compose() -> dict[str, Any]:
    """The file of Compose."""
    [compose] = read_yaml(COMPOSE)
    return compose


def find_manifest(kind: str) -> dict[str, Any]:
    """The only manifest of a kind."""
    [manifest] = [document for path in MANIFESTS for document in read_yaml(path) if document["kind"] == kind]
    return manifest


def test_compose_knows_every_key(require: Require) -> None:
    """The schema of the Compose specification."""
    lint(require, "check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(OPERATIONS / COMPOSE))


def test_compose_names_only_what_it_declares() -> None:
    """Secrets, configurations, networks and volumes; files that come with the repository exist."""
    compose = read_compose()
    for service in compose["services"].values():
        for kind in ("secrets", "networks"):
            assert set(service.get(kind, [])) <= set(compose[kind])
        assert {config["source"] for config in service.get("configs", [])} <= set(compose["configs"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or source == "./tls" or (OPERATIONS / "docker" / source).is_file()
    assert compose["services"]["connect-login"]["build"] == {
        "context": "../../..",
        "dockerfile": "docs/operations/docker/Dockerfile",
    }


def test_compose_starts_in_order() -> None:
    """Tables before the service, the service before nginx; whoever is waited for says when it is ready."""
    services = read_compose()["services"]
    assert services["db-upgrade"]["command"][:2] == ["db", "upgrade"]
    waits = {name: service.get("depends_on", {}) for name, service in services.items()}
    assert waits["db-upgrade"] == {"postgres": {"condition": "service_healthy"}}
    assert waits["connect-login"]["db-upgrade"] == {"condition": "service_completed_successfully"}
    assert waits["nginx"] == {"connect-login": {"condition": "service_healthy"}}
    for name in ("postgres", "redis"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_compose_gives_the_service_little() -> None:
    """No writable root and no capabilities; the databases cannot be reached from outside."""
    compose = read_compose()
    for name in ("connect-login", "db-upgrade"):
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert compose["networks"]["inside"] == {"internal": True}
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["nginx"]
    assert {name: compose["services"][name]["networks"] for name in ("postgres", "redis")} == {
        "postgres": ["inside"],
        "redis": ["inside"],
    }


def test_nginx_takes_the_upstream_of_compose(require: Require, tmp_path: Path) -> None:
    """Beside the file that both ways to deploy share; what only newer nginx and Docker's DNS know is left out."""
    require(find_program("nginx"), "nginx is not installed")
    upstream = read_compose()["configs"]["upstream.conf"]["content"]
    upstream = re.sub(r"resolver [^;]+;| resolve(?=;)", "", upstream).replace("connect-login:8000", "127.0.0.1:8000")
    write_certificate(tmp_path)
    write_nginx(tmp_path, Ports(8000), str, upstream)


@pytest.mark.parametrize("path", MANIFESTS)
def test_kubernetes_knows_every_key(path: str, require: Require) -> None:
    """The schemas of Kubernetes, which here allow no key that they do not know."""
    lint(require, "kubernetes-validate", "--strict", "--quiet", str(OPERATIONS / path))


def test_pods_can_do_little() -> None:
    """The restricted profile of Kubernetes' own pod security standards, and a root that is read-only."""
    for kind in ("Deployment", "Job"):
        pod = find_manifest(kind)["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_manifests_find_each_other() -> None:
    """Labels, names of ports and the version of the image are the same wherever they stand."""
    deployment, job = find_manifest("Deployment"), find_manifest("Job")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for kind in ("PodDisruptionBudget", "Deployment"):
        assert find_manifest(kind)["spec"]["selector"]["matchLabels"] == labels
    assert find_manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    assert find_manifest("Service")["spec"]["selector"] == labels != job["spec"]["template"]["metadata"]["labels"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == job["spec"]["template"]["spec"]["containers"][0]["image"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8000, "management": 9000}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "management"
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > container["lifecycle"]["preStop"]["sleep"]["seconds"] + 10
    names = {find_manifest(kind)["metadata"]["name"] for kind in ("ConfigMap", "Secret", "Service")}
    assert names == {"connect-login"}


def configurations() -> dict[str, tuple[str, set[str] | None]]:
    """Each connect.toml with the names of the files that its secrets may have; None: any."""
    compose = {*read_compose()["services"]["connect-login"]["secrets"]}
    secret = {*find_manifest("Secret")["stringData"]}
    return {
        "docker": ((OPERATIONS / "docker/connect.toml").read_text("utf-8"), compose),
        "kubernetes": (find_manifest("ConfigMap")["data"]["connect.toml"], secret),
        "systemd": ((OPERATIONS / "systemd/connect.toml").read_text("utf-8"), None),
    }


def load(text: str, folder: Path) -> Settings:
    """Read a configuration whose secrets are in `folder`."""
    secrets = {"secret-key": new_key(), "database-url": "postgresql+psycopg://connect:pass@postgres/connect"}
    for _, name in SECRET.findall(text):
        (folder / name).write_text(secrets.get(name.removeprefix("keys_"), "a key"), "ascii")
    (folder / "connect.toml").write_text(SECRET.sub(rf'"file:{folder}/\2"', text), "utf-8")
    return load_settings(folder / "connect.toml")


@pytest.mark.parametrize("name", ["docker", "kubernetes", "systemd"])
def test_a_configuration_can_be_used(name: str, tmp_path: Path) -> None:
    """It has no secret in itself, and each file that it names is one that the container or unit is given."""
    text, given = configurations()[name]
    settings = load(text, tmp_path)
    named = {file for _, file in SECRET.findall(text)}
    assert given is None or named == given
    assert {folder for folder, _ in SECRET.findall(text)} <= {
        "/run/secrets",
        "/run/secrets/connect-login",
        "/run/credentials/connect-login.service",
    }
    assert settings.service.trusted_proxies


def test_compose_and_its_configuration_agree_on_the_proxy(tmp_path: Path) -> None:
    """Nginx's address is in the network that is trusted."""
    settings = load(configurations()["docker"][0], tmp_path)
    [address] = read_compose()["networks"]["outside"]["ipam"]["config"]
    assert settings.service.trusted_proxies == [address["subnet"]]
