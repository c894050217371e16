"""What the manifests promise, and that they name only what there is."""

import re

import pytest
import yaml

from deploy.local.instances import CHECKOUT
from service.settings import Settings

FOLDER = CHECKOUT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
OBJECTS = [
    made for name in KUSTOMIZATION["resources"] for made in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
NAMED = {(made["kind"], made["metadata"]["name"]): made for made in OBJECTS}
PODS = {name: made["spec"]["template"] for (_, name), made in NAMED.items() if "template" in made.get("spec", {})}
EACH_POD = [pytest.param(pod["spec"], id=name) for name, pod in PODS.items()]
WEB = PODS["web"]["spec"]
INSTANCES = [each for each in WEB["initContainers"] if each["name"].startswith("instance-")]
MAP = dict(line.split("=", 1) for line in KUSTOMIZATION["configMapGenerator"][0]["literals"])


def containers(pod):
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("pod", EACH_POD)
def test_a_pod_is_restricted_and_limited(pod):
    assert pod["automountServiceAccountToken"] is False
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("pod", EACH_POD)
def test_what_a_container_mounts_and_refers_to_is_there(pod):
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in containers(pod):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert {source["configMapRef"]["name"] for source in container.get("envFrom", ())} <= {"settings"}
    assert not {"resourceFieldRef", "secretKeyRef"} & set(re.findall(r"\w+Ref", str(pod)))


def test_the_map_has_settings_and_the_files_of_secrets():
    assert {name.removesuffix("_FILE") for name in MAP} <= {name.upper() for name in Settings.__dataclass_fields__}
    secret = {field.name.upper() for field in Settings.__dataclass_fields__.values() if field.metadata["secret"]}
    assert not MAP.keys() & secret


def test_without_postgres_pods_stay_in_service():
    probes = [container["readinessProbe"] for container in containers(WEB) if "readinessProbe" in container]
    assert [probe["httpGet"]["path"] for probe in probes] == ["/livez"]
    assert {instance["startupProbe"]["httpGet"]["path"] for instance in INSTANCES} == {"/readyz"}


def test_instances_outlive_nginx_which_knows_them():
    assert {instance["restartPolicy"] for instance in INSTANCES} == {"Always"}
    bound = [word for instance in INSTANCES for word in instance["command"] if word.startswith("unix:")]
    assert MAP["INSTANCES"].split(",") == bound


def test_there_is_time_for_a_drain(graceful_seconds: int):
    (nginx,) = WEB["containers"]
    pause = int(nginx["lifecycle"]["preStop"]["exec"]["command"][1])
    assert WEB["terminationGracePeriodSeconds"] > pause + 2 * graceful_seconds


def test_the_watch_process_knows_every_instance_there_may_be():
    (watch,) = PODS["watch"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in watch["env"]}
    known = [address.strip() for address in given["INSTANCES"].split(",")]
    replicas = range(NAMED["HorizontalPodAutoscaler", "web"]["spec"]["maxReplicas"])
    ports = [port["containerPort"] for instance in INSTANCES for port in instance["ports"]]
    assert known == [f"web-{replica}.web:{port}" for replica in replicas for port in ports]
    assert NAMED["Deployment", "watch"]["spec"]["strategy"] == {"type": "Recreate"}
    assert NAMED["Deployment", "watch"]["spec"]["replicas"] == 1


def test_operators_ports_are_open_to_no_client():
    (clients,) = NAMED["NetworkPolicy", "clients"]["spec"]["ingress"]
    assert clients == {"ports": [{"port": 8080}]}
    assert NAMED["NetworkPolicy", "nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert all("from" in rule for rule in NAMED["NetworkPolicy", "operators"]["spec"]["ingress"])


def test_selectors_find_their_pods():
    for (kind, name), made in NAMED.items():
        selector = made.get("spec", {}).get("selector", {}) if kind in ("Service", "PodDisruptionBudget") else {}
        labels = selector.get("matchLabels", selector)
        assert not labels or labels == PODS["web"]["metadata"]["labels"], name
    assert {NAMED[kind, "web"]["kind"] for kind in ("Service", "PodDisruptionBudget")}
