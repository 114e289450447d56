"""Plans of any size, and the same work in the form that other tools take."""

import json
from pathlib import Path

# Ten regions, so that no peer and no server sees a plan of one.
REGIONS = [
    "cn-north-4", "cn-north-1", "cn-east-2", "cn-east-3", "cn-south-1",
    "cn-southwest-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "af-south-1",
]
BODY = '{"registry_info":[{"registry_id":"prod-harbor","registry_type":"Harbor"}]}'
HEAD = """version: 1
name: bench
vars: {{ environment: prod }}
registry_sets:
  harbor:
    registries:
      - {{ registry_id: "{{{{ vars.environment }}}}-harbor", registry_type: Harbor }}
rollout: {{ max_operations: 1000000 }}
limits:
  quota: {quota}
  concurrency: {concurrency}
  region_concurrency: {concurrency}
projects:
"""
ENTRY = """  - name: project-{index:06}
    project_ids:
      {region}: {project}
    registry_sets: [harbor]
    labels: [nightly]
"""


def project_id(index):
    return f"0a1b2c3d4e5f60718293a4b5{index:08x}"


def plan(count, concurrency=64, quota="{ calls: 100000, per: 1s }"):
    """The text of a plan with `count` operations, one a project; about 140 bytes each."""
    entries = (
        ENTRY.format(index=index, region=REGIONS[index % len(REGIONS)], project=project_id(index))
        for index in range(count)
    )
    return HEAD.format(concurrency=concurrency, quota=quota) + "".join(entries)


def spoilt(text, which, count):
    """The plan with one wrong target: the first, the middle or the last. Returns it with the line of the mistake."""
    index = {"first": 0, "middle": count // 2, "last": count - 1}[which]
    good = f": {project_id(index)}\n"
    before, after = text.split(good)
    return f"{before}: 'not an id'\n{after}", before.count("\n") + 1


def schema(folder):
    """A JSON schema with as many rules as such a plan needs; peers get it, in the drafts that they take."""
    identifier = {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,128}$"}
    project = {
        "type": "object",
        "required": ["name", "project_ids", "registry_sets"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$"},
            "project_ids": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z]{2}-[a-z]+-[0-9]+$"},
                "additionalProperties": identifier,
            },
            "registry_sets": {"type": "array", "minItems": 1, "items": identifier},
            "labels": {"type": "array", "items": identifier},
        },
    }
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["version", "name", "projects"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": 1},
            "name": identifier,
            "vars": {"type": "object"},
            "registry_sets": {"type": "object"},
            "rollout": {"type": "object"},
            "limits": {"type": "object"},
            "projects": {"type": "array", "minItems": 1, "items": project},
        },
    }
    path = Path(folder) / "peer.schema.json"
    path.write_text(json.dumps(document))
    return path


def as_json(count, concurrency=64):
    """What `plan` says, for a peer that takes no YAML."""
    projects = [
        {
            "name": f"project-{index:06}",
            "project_ids": {REGIONS[index % len(REGIONS)]: project_id(index)},
            "registry_sets": ["harbor"],
            "labels": ["nightly"],
        }
        for index in range(count)
    ]
    document = {
        "version": 1,
        "name": "bench",
        "vars": {"environment": "prod"},
        "registry_sets": {"harbor": {"registries": [{"registry_id": "prod-harbor", "registry_type": "Harbor"}]}},
        "rollout": {"max_operations": 1000000},
        "limits": {"concurrency": concurrency},
        "projects": projects,
    }
    return json.dumps(document)


def urls(count, origin):
    """The addresses of the plan's requests."""
    return [f"{origin}/v5/{project_id(index)}/image/image-sync/tasks" for index in range(count)]


def curl_config(count, origin, roots=None):
    """The plan's requests for `curl --parallel --config`; what each trusts stands with it."""
    body = BODY.replace('"', '\\"')
    entry = 'url = "{}"\ndata = "{}"\nheader = "content-type: application/json"\noutput = "/dev/null"\n'
    trust = f'cacert = "{roots}"\n' if roots else ""
    return "next\n".join(entry.format(url, body) + trust for url in urls(count, origin))
