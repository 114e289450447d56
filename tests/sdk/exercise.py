"""Holds `hss-sync simulate` against the official Python SDK: what its users call, with the SDK's own models and errors.

Usage: exercise.py patient=ENDPOINT,AK,SK hasty=ENDPOINT,AK,SK broken=ENDPOINT,AK,SK. One line for each check; exit code 1 when one fails.
`tests/sdk/run` starts the simulators and says which flags they have.
"""

import json
import os
import sys
import tempfile
import time
import traceback

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.auth.internal import MetadataAccessor
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkhss.v5 import (
    CreateImageSynchronizeTaskRequest,
    CreateImageSynchronizeTaskRequestInfo,
    CreateImageSynchronizeTaskRequestInfoRegistryInfo,
    CreateImageSynchronizeTaskResponse,
    HssClient,
    ListAssociateRegistriesRequest,
    ListImageScanTaskRequest,
    ListRegistryRequest,
)
from huaweicloudsdkhss.v5 import model as models
from huaweicloudsdkhss.v5.region.hss_region import HssRegion

# The calls of one API in a region that the hasty simulator allows.
HASTY_QUOTA = 40

checks = 0
failures = 0


def check(what, holds, found=None):
    """Counts one check and prints its line; `found` says more when it doesn't hold."""
    global checks, failures
    checks += 1
    if holds:
        print("ok    " + what)
    else:
        failures += 1
        print("FAIL  {}: found {}".format(what, found))


def equal(what, found, wanted):
    check(what, found == wanted and type(found) is type(wanted), "{!r}, not {!r}".format(found, wanted))


def refused(what, call, status, code, words=""):
    """Checks that a call ends with the SDK's exception for a refusal; returns it."""
    try:
        answer = call()
    except ClientRequestException as error:
        found = (error.status_code, error.error_code)
        holds = found == (status, code) and words in error.error_msg and len(error.request_id or "") == 32
        check("{}: {} {} with its message and request id".format(what, status, code), holds, error)
    else:
        check("{}: {} {}".format(what, status, code), False, answer)


def misfits(data, kind, place):
    """Where JSON isn't what a model of the SDK declares: the SDK itself drops unknown fields and converts types."""
    if data is None:
        return []
    if kind.startswith("list["):
        if not isinstance(data, list):
            return [place + " is no list"]
        return [one for index, item in enumerate(data) for one in misfits(item, kind[5:-1], "%s[%d]" % (place, index))]
    native = {"str": str, "int": int, "bool": bool}.get(kind)
    if native is not None:
        return [] if type(data) is native else ["{} is {!r}, no {}".format(place, data, kind)]
    model = getattr(models, kind)
    if not isinstance(data, dict):
        return ["{} is no {}".format(place, kind)]
    known = {name: model.openapi_types[attribute] for attribute, name in model.attribute_map.items()}
    found = []
    for name, value in data.items():
        if name in known:
            found += misfits(value, known[name], place + "." + name)
        else:
            found.append("{}.{} is no field of {}".format(place, name, kind))
    return found


def fits(what, response):
    """Checks every field of an answer against the SDK's model of it."""
    name = type(response).__name__
    found = misfits(json.loads(response.raw_content.decode()), name, name)
    check(what + " has only fields of the SDK's models, with their types", not found, "; ".join(found))


def filled(what, items, attributes):
    empty = {name for item in items for name in attributes if getattr(item, name) in (None, "")}
    check("{}: filled in: {}".format(what, ", ".join(attributes)), items and not empty, "without: %s" % sorted(empty))


class Simulator:
    """A running simulator and its key pair."""

    def __init__(self, text):
        self.endpoint, self.ak, self.sk = text.split(",")

    def client(self, project="p1", credentials=None, handler=None):
        config = HttpConfig.get_default_config()
        config.timeout = (10, 30)
        builder = HssClient.new_builder().with_http_config(config).with_endpoint(self.endpoint)
        if handler:
            builder = builder.with_http_handler(handler)
        return builder.with_credentials(credentials or BasicCredentials(self.ak, self.sk, project)).build()


def create(client, registries=None, **query):
    """Synchronises these registries, or all; registries are pairs of id and type."""
    body = CreateImageSynchronizeTaskRequestInfo(sync_all_registries=registries is None)
    if registries is not None:
        body.registry_info = [
            CreateImageSynchronizeTaskRequestInfoRegistryInfo(registry_id=id, registry_type=kind)
            for id, kind in registries
        ]
    return client.create_image_synchronize_task(CreateImageSynchronizeTaskRequest(body=body, **query))


def registries(client, **query):
    return client.list_registry(ListRegistryRequest(**query))


def tasks(client, **query):
    return client.list_image_scan_task(
        ListImageScanTaskRequest(type="image_sync", task_type="manualSync", **query))


def associated(client, task_id, **query):
    return client.list_associate_registries(ListAssociateRegistriesRequest(task_id=task_id, **query))


def ids(response):
    return [one.task_id for one in response.data_list]


def lists_registries(simulator):
    client = simulator.client()
    found = registries(client)
    fits("ListRegistry", found)
    equal("ListRegistry: total_num counts data_list", found.total_num, len(found.data_list))
    filled("ListRegistry", found.data_list, ["id", "registry_name", "registry_type", "registry_addr", "status"])
    kinds = {one.registry_type for one in found.data_list}
    check("ListRegistry: the types are those of the API",
          kinds <= {"SwrPrivate", "SwrShared", "SwrEnterprise", "Harbor", "Jfrog", "Other"}, kinds)
    check("ListRegistry: images_num is filled in", all(one.images_num is not None for one in found.data_list))
    some = registries(client, registry_type="Harbor,Jfrog").data_list
    equal("ListRegistry: registry_type takes several", {one.registry_type for one in some}, {"Harbor", "Jfrog"})
    broken = registries(client, status="fail").data_list
    filled("ListRegistry of status fail", broken, ["fail_reason"])
    odd = registries(client, registry_name="a b+c/d~e*f=镜&g", registry_addr="%2F").total_num
    equal("ListRegistry: what the SDK escapes and signs is understood", odd, 0)


def creates_and_follows(simulator):
    client = simulator.client("p2")
    answer = create(client, region="cn-north-4", enterprise_project_id="0")
    check("create all: 200 and an empty response model",
          isinstance(answer, CreateImageSynchronizeTaskResponse)
          and (answer.status_code, answer.to_dict()) == (200, {}), answer)
    known = {one.id: one for one in registries(client).data_list}
    asked = [(one.id, one.registry_type) for one in known.values()][:2]
    equal("create of two registries: status", create(client, asked).status_code, 200)

    found = tasks(client)
    fits("ListImageScanTask", found)
    equal("ListImageScanTask: total_num", found.total_num, 2)
    filled("ListImageScanTask", found.data_list,
           ["task_id", "task_name", "begin_time", "remain_min", "task_type", "sync_task_type", "image_type",
            "task_status", "is_all", "total_num", "success_num", "failed_num"])
    second, first = found.data_list
    equal("ListImageScanTask: newest first, is_all", [second.is_all, first.is_all], [False, True])
    equal("ListImageScanTask: total_num of each task", [second.total_num, first.total_num], [2, len(known)])
    equal("ListImageScanTask: task_type", {one.task_type for one in found.data_list}, {"manualSync"})
    # A minute for clocks that are set meanwhile.
    distance = abs(first.begin_time - time.time() * 1000)
    check("ListImageScanTask: begin_time is now, in milliseconds", distance < 60000, first.begin_time)
    equal("ListImageScanTask: task_status is progress in per cent", 0 <= first.task_status < 100, True)
    equal("ListImageScanTask: by task_id", ids(tasks(client, task_id=first.task_id)), [first.task_id])
    equal("ListImageScanTask: by task_status", tasks(client, task_status="finished").total_num, 0)
    since = tasks(client, create_time=first.begin_time, end_time=second.begin_time)
    equal("ListImageScanTask: from create_time to end_time", ids(since), [second.task_id, first.task_id])
    equal("ListImageScanTask: none later", tasks(client, create_time=second.begin_time + 1).total_num, 0)
    scans = client.list_image_scan_task(ListImageScanTaskRequest(type="image_scan"))
    equal("ListImageScanTask: of type image_scan", (scans.total_num, scans.data_list), (0, []))

    parts = associated(client, second.task_id)
    fits("ListAssociateRegistries", parts)
    equal("ListAssociateRegistries: total_num", parts.total_num, 2)
    filled("ListAssociateRegistries", parts.data_list, ["registry_id", "registry_name", "registry_type", "sync_status"])
    equal("ListAssociateRegistries: what was asked for",
          sorted((one.registry_id, one.registry_type) for one in parts.data_list), sorted(asked))
    equal("ListAssociateRegistries: names as in ListRegistry", [one.registry_name for one in parts.data_list],
          [known[one.registry_id].registry_name for one in parts.data_list])
    equal("ListAssociateRegistries: sync_status", {one.sync_status for one in parts.data_list}, {"running"})
    equal("ListAssociateRegistries: of a task with all", associated(client, first.task_id).total_num, len(known))
    kind = asked[0][1]
    some = associated(client, first.task_id, registry_type=kind).data_list
    equal("ListAssociateRegistries: by registry_type", {one.registry_type for one in some}, {kind})


def tells_enterprise_projects_apart(simulator):
    client = simulator.client("p3")
    create(client, enterprise_project_id="ep-1")
    equal("enterprise project: not in the default one", tasks(client).total_num, 0)
    equal("enterprise project: in its own", tasks(client, enterprise_project_id="ep-1").total_num, 1)
    equal("enterprise project: in all", tasks(client, enterprise_project_id="all_granted_eps").total_num, 1)
    equal("another project has none of it", tasks(simulator.client("p4")).total_num, 0)


def pages(simulator):
    client = simulator.client("p5")
    count = 205
    for _ in range(count):
        create(client)
    equal("paging: the default is 10", len(tasks(client).data_list), 10)
    head, tail = tasks(client, limit=200), tasks(client, limit=200, offset=200)
    equal("paging: total_num is that of all pages", (head.total_num, tail.total_num), (count, count))
    equal("paging: 200 and the rest", (len(head.data_list), len(tail.data_list)), (200, count - 200))
    equal("paging: no task twice", len(set(ids(head) + ids(tail))), count)
    equal("paging: beyond the end", tasks(client, limit=200, offset=400).data_list, [])
    refused("limit=201", lambda: tasks(client, limit=201), 400, "HSS.0001", "limit")
    refused("limit=9", lambda: registries(client, limit=9), 400, "HSS.0001", "limit")


def verifies_signatures(simulator):
    def client(ak, sk):
        return simulator.client(credentials=BasicCredentials(ak, sk, "p1"))

    refused("wrong SK", lambda: registries(client(simulator.ak, "wrong")), 401, "APIGW.0301", "verify aksk signature fail")
    refused("wrong SK on a write", lambda: create(client(simulator.ak, "wrong")), 401, "APIGW.0301", "signature")
    refused("unknown AK", lambda: registries(client("AK", simulator.sk)), 401, "APIGW.0301", "ak not exist")

    # Several in a row would lock the key.
    equal("right SK", registries(client(simulator.ak, simulator.sk)).status_code, 200)

    def tampered(change):
        handler = HttpHandler().add_request_handler(lambda request, **_: change(request))
        return simulator.client("p6", handler=handler)

    def body(request):
        request.body = request.body.replace(b"true", b"true ")

    def query(request):
        request.uri = request.uri.replace("limit=10", "limit=11")

    def header(request):
        request.header_params["X-Project-Id"] = "p7"

    refused("body changed after signing", lambda: create(tampered(body)), 401, "APIGW.0301", "signature")
    refused("query changed after signing", lambda: registries(tampered(query), limit=10), 401, "APIGW.0301", "signature")
    refused("header changed after signing", lambda: registries(tampered(header)), 401, "APIGW.0301", "signature")
    equal("nothing came of them", tasks(simulator.client("p6")).total_num, 0)
    odd = simulator.client("a b+~é")
    equal("a project id that has to be escaped is signed and understood", create(odd).status_code, 200)
    equal("and its task is found", tasks(odd).total_num, 1)


def accepts_temporary_keys(simulator):
    with tempfile.NamedTemporaryFile("w", suffix=".token") as token:
        token.write("simulated-id-token")
        token.flush()
        federated = BasicCredentials(project_id="p8").with_idp_id("simulated-idp").with_id_token_file(token.name)
        federated.with_iam_endpoint(simulator.endpoint)
        client = simulator.client(credentials=federated)
        equal("temporary keys from an identity provider's token", create(client).status_code, 200)
        check("they come with a security token", federated.security_token and federated.ak != simulator.ak)
    keys = BasicCredentials(federated.ak, federated.sk, "p8")
    refused("temporary keys without their security token",
            lambda: tasks(simulator.client(credentials=keys)), 401, "APIGW.0301", "security token")
    refused("with another security token",
            lambda: tasks(simulator.client(credentials=keys.with_security_token("another"))), 401, "APIGW.0301", "token")
    keys.with_security_token(federated.security_token)
    equal("given as keys with a security token", tasks(simulator.client(credentials=keys)).total_num, 1)

    # The SDK has no other way to name the address.
    MetadataAccessor._METADATA_ENDPOINT = simulator.endpoint
    agency = BasicCredentials(project_id="p8")
    equal("temporary keys of a server's agency", tasks(simulator.client(credentials=agency)).total_num, 1)
    check("they are others", agency.security_token and agency.ak != federated.ak)


def shows_errors(simulator):
    client = simulator.client("p9")
    refused("no registry", lambda: create(client, []), 400, "HSS.0001", "registry_info")
    refused("registry_type=harbor", lambda: create(client, [("r1", "harbor")]), 400, "HSS.0001", "registry_type")
    refused("a registry id of 65 characters", lambda: create(client, [("r" * 65, "Harbor")]), 400, "HSS.0001", "64")
    raw = CreateImageSynchronizeTaskRequest(body="{not JSON")
    refused("a body that is no JSON", lambda: client.create_image_synchronize_task(raw), 400, "HSS.0002", "parse")
    refused("no body", lambda: client.create_image_synchronize_task(CreateImageSynchronizeTaskRequest()), 400, "HSS.0002")
    refused("a list without type",
            lambda: client.list_image_scan_task(ListImageScanTaskRequest()), 400, "HSS.0001", "type")
    refused("a task that doesn't exist", lambda: associated(client, "nowhere"), 400, "HSS.0011", "nowhere")
    equal("no task came of them", tasks(client).total_num, 0)


def looks_projects_up(simulator):
    def region(name):
        credentials = BasicCredentials(simulator.ak, simulator.sk).with_iam_endpoint(simulator.endpoint)
        builder = HssClient.new_builder().with_credentials(credentials)
        return builder.with_region(Region(name, simulator.endpoint)).build(), credentials

    client, credentials = region("cn-north-4")
    first = credentials.project_id
    equal("project look-up: an id of 32 characters", len(first or ""), 32)
    equal("project look-up: a call in that project", create(client).status_code, 200)
    equal("project look-up: its task is there", tasks(simulator.client(first)).total_num, 1)

    # As its users have it: nothing but variables.
    os.environ.update({
        "HUAWEICLOUD_SDK_AK": simulator.ak,
        "HUAWEICLOUD_SDK_SK": simulator.sk,
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": simulator.endpoint,
        "HUAWEICLOUD_SDK_REGION_HSS_EU_WEST_101": simulator.endpoint,
    })
    client = HssClient.new_builder().with_region(HssRegion.value_of("eu-west-101")).build()
    second = client.get_credentials().project_id
    check("project look-up: from variables alone, another region's project", second not in (None, "", first), second)
    equal("project look-up: a call with it", registries(client).status_code, 200)

    try:
        region("mars-north-1")
    except SdkException as error:
        text = error.error_msg
        check("project look-up: none in an unknown region, with IAM's trace id",
              "Failed to get project id of region 'mars-north-1'" in text and "X-IAM-Trace-Id=None" not in text, text)
    else:
        check("project look-up: none in an unknown region", False)


def enforces_quota(simulator):
    # A write: of a 429 to a read the SDK's HTTP library makes an error of its own, without the gateway's code and text.
    client = simulator.client("p10")
    for _ in range(HASTY_QUOTA):
        create(client, region="cn-north-4")
    refused("call {} of an API with a quota of {}".format(HASTY_QUOTA + 1, HASTY_QUOTA),
            lambda: create(client, region="cn-north-4"), 429, "APIGW.0308", "limit:%d" % HASTY_QUOTA)
    equal("another region has a quota of its own", create(client, region="cn-north-9").status_code, 200)
    equal("another API has a quota of its own", tasks(client).total_num, HASTY_QUOTA + 1)


def ends_tasks(simulator):
    client = simulator.client("p2")
    # At most two minutes there, 12 seconds here.
    for _ in range(HASTY_QUOTA - 10):
        found = tasks(client, task_status="finished")
        if found.total_num:
            break
        time.sleep(0.5)
    fits("ListImageScanTask of a finished task", found)
    equal("a task that has ended: task_status", [one.task_status for one in found.data_list], [100])
    for one in found.data_list:
        check("a task that has ended: end_time after begin_time", (one.end_time or 0) > one.begin_time, one.end_time)
        parts = associated(client, one.task_id).data_list
        equal("a task that has ended: sync_status", {part.sync_status for part in parts}, {"finished"})


def tells_failures(simulator):
    client = simulator.client("p2")
    kinds = {}
    for _ in range(8):
        create(client)
    # One second here.
    for _ in range(40):
        time.sleep(0.25)
        found = tasks(client)
        if all(one.end_time for one in found.data_list):
            break
    fits("ListImageScanTask of failed tasks", found)
    for one in found.data_list:
        kinds.setdefault(one.task_status, one)
    equal("failed tasks: task_status", sorted(kinds), [-3, 100])
    for status, one in sorted(kinds.items()):
        what = "a task that failed with task_status {}: ".format(status)
        equal(what + "every registry is counted once", one.success_num + one.failed_num, one.total_num)
        parts = associated(client, one.task_id, sync_status="failed")
        fits(what + "ListAssociateRegistries", parts)
        equal(what + "failed_num is that of its registries", parts.total_num, one.failed_num)
        filled(what + "its failed registries", parts.data_list, ["registry_id", "failed_reason"])
        equal(what + "failed_images are its failed registries",
              [(image.registry_id, image.registry_name, image.registry_type, image.failed_reason)
               for image in one.failed_images],
              [(part.registry_id, part.registry_name, part.registry_type, part.failed_reason)
               for part in parts.data_list])
    equal("a task with one failed registry: failed_num", kinds[100].failed_num, 1)
    check("an abnormal task: failed_reason", kinds[-3].failed_reason, kinds[-3].failed_reason)
    stopped = {one.task_status for one in tasks(client, task_status="finished").data_list}
    equal("ListImageScanTask: finished tasks are those with 100", stopped, {100})


def main(arguments):
    simulators = {name: Simulator(text) for name, text in (one.split("=", 1) for one in arguments)}
    patient, hasty, broken = (simulators[name] for name in ("patient", "hasty", "broken"))
    # Its task runs while the others are looked at. The SDK signs with the time of day and the simulator's runs ahead of
    # it, so this one has to be done within 90 seconds.
    steps = [
        (lambda simulator: equal("create", create(simulator.client("p2")).status_code, 200), hasty),
        (lists_registries, patient),
        (creates_and_follows, patient),
        (tells_enterprise_projects_apart, patient),
        (pages, patient),
        (verifies_signatures, patient),
        (accepts_temporary_keys, patient),
        (shows_errors, patient),
        (looks_projects_up, patient),
        (tells_failures, broken),
        (enforces_quota, hasty),
        (ends_tasks, hasty),
    ]
    for step, simulator in steps:
        try:
            step(simulator)
        except Exception as error:  # A failed step is a failed check, and the others are still worth knowing.
            traceback.print_exc()
            check("{} runs to its end".format(step.__name__), False, error)
    print("{} checks, {} failed".format(checks, failures))
    return 1 if failures or not checks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
