//! The data: each code that the published lists name.
//!
//! Facts: the HSS error-code page, the gateway codes of the API signing guide (2025-10-20); `HSS.0041` from the older list of
//! CGS; `00000010` and likely causes from reports of users.

use super::ServiceCode;

const INTERNAL: &str = "A fault inside the gateway; whether it had passed the request on isn't known.";
const LOOK_FIRST: &str = "Look at the synchronisation tasks of the project in the HSS console before repeating it; if it stays, give the request id to Huawei Cloud support.";
const NOT_SET_UP: &str = "A fault in how the service is set up in the region; the request was not passed on.";
const LATER: &str = "Try again later; if it stays, give the request id to Huawei Cloud support.";
const NOT_EXPECTED: &str =
    "The request as it arrived was not what the gateway expects, perhaps changed by a proxy; it was not passed on.";

/// A code of HSS about something else than images.
const fn not_of_images(code: &'static str, meaning: &'static str) -> ServiceCode {
    ServiceCode {
        code,
        meaning,
        cause: "HSS.1001 to HSS.1020 are about servers, agents, policies, web-tamper protection and quota, none about the synchronisation of images, so it is unusual here.",
        next_step: "Read the text that came with it; if that doesn't help, give the code and the request id to Huawei Cloud support.",
    }
}

/// Sorted by code.
pub(super) const SERVICE_CODES: &[ServiceCode] = &[
    ServiceCode {
        code: "00000010",
        meaning: "HSS denies access (an undocumented code that comes with the text 拒绝访问).",
        cause: "Mostly the enterprise project: a user who has rights on just one enterprise project must name it, and the default `0` or `all_granted_eps` is refused.",
        next_step: "Name yours: set `enterprise_project_id` of the project to one that the user may act in, or grant the user HSS rights in the one that the plan names.",
    },
    ServiceCode {
        code: "APIGW.0101",
        meaning: "The gateway knows no such API at this endpoint.",
        cause: "HSS, or this API of it, is not offered in the region, or the endpoint belongs to another service.",
        next_step: "Check the region and its endpoint (`hss-sync plan` shows the URL); remove the region from the plan if HSS isn't offered there.",
    },
    ServiceCode {
        code: "APIGW.0103",
        meaning: "The gateway found no backend for this API.",
        cause: NOT_SET_UP,
        next_step: LATER,
    },
    ServiceCode {
        code: "APIGW.0104",
        meaning: "The gateway is missing a part (plug-in) of this API's set-up.",
        cause: NOT_SET_UP,
        next_step: LATER,
    },
    ServiceCode {
        code: "APIGW.0105",
        meaning: "The gateway is missing the backend configuration of this API.",
        cause: NOT_SET_UP,
        next_step: LATER,
    },
    ServiceCode {
        code: "APIGW.0106",
        meaning: "The gateway could not put the request for the backend together.",
        cause: "A parameter that breaks a rule that the gateway has for this API, or a fault in how the service is set up in the region; the request was not passed on.",
        next_step: "Compare the ids and types of the request (`hss-sync plan --format json`) with the registries of the project; if they are right, give the request id to Huawei Cloud support.",
    },
    ServiceCode {
        code: "APIGW.0201",
        meaning: "The gateway could not handle the request: malformed (400), body over 12 MB (413), address too long (414), headers too large (494), or backend unreachable (502) or too slow (504).",
        cause: "With a 4xx status the request itself, such as a very large token; with 502 or 504 the service behind the gateway.",
        next_step: "With a 4xx status shorten the request or the token. With 502 or 504 it isn't known whether the request was taken: look at the synchronisation tasks in the HSS console before repeating it.",
    },
    ServiceCode {
        code: "APIGW.0202",
        meaning: "The backend behind the gateway is unavailable.",
        cause: "HSS in this region is down or restarting; whether it took the request isn't known.",
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0203",
        meaning: "The backend did not answer the gateway in time.",
        cause: "HSS in this region is slow; the request may still be running, so its outcome isn't known.",
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0204",
        meaning: "The gateway does not accept this TLS protocol.",
        cause: "A proxy on the way speaks an old TLS version to the gateway.",
        next_step: "Check the proxy between this machine and the service; TLS 1.2 or newer is needed.",
    },
    ServiceCode {
        code: "APIGW.0205",
        meaning: "The gateway could not verify the client certificate.",
        cause: "An endpoint that asks for client certificates, which hss-sync does not send, or a proxy that breaks TLS open.",
        next_step: "Check the endpoint and the proxy between this machine and the service.",
    },
    ServiceCode {
        code: "APIGW.0301",
        meaning: "The credential was refused: wrong IAM authentication information.",
        cause: "The clock of this machine is more than 15 minutes off, the secret key is wrong or revoked, a temporary key is sent without its security token, or more than five failures in a row have locked the key for five minutes.",
        next_step: "Compare the clock with the `Date` of an answer, check that AK and SK belong together (and the security token with them), wait five minutes if the text says that the limit was reached, then run again.",
    },
    ServiceCode {
        code: "APIGW.0302",
        meaning: "This IAM user may not call this API.",
        cause: "The user or agency has no rights for HSS, or a policy denies them.",
        next_step: "Grant the user or agency rights for HSS in this project, or use another credential.",
    },
    ServiceCode {
        code: "APIGW.0303",
        meaning: "The app authentication information is wrong.",
        cause: "A credential that the gateway takes for one of an app and not of an IAM user; also seen when the clock of this machine is more than 15 minutes off.",
        next_step: "Use an IAM access key or token as the credential, and compare the clock with the `Date` of an answer.",
    },
    ServiceCode {
        code: "APIGW.0304",
        meaning: "The app may not call this API.",
        cause: "A credential of an app that was not authorised for this API.",
        next_step: "Use an IAM access key or token as the credential.",
    },
    ServiceCode {
        code: "APIGW.0305",
        meaning: "The authentication information is wrong.",
        cause: "The credential is damaged, for instance cut off when it was copied, or of the wrong kind.",
        next_step: "Set the credential anew and check that it is complete.",
    },
    ServiceCode {
        code: "APIGW.0306",
        meaning: "Access to this API is denied.",
        cause: "A rule of the gateway or of the account denies the call.",
        next_step: "Ask who administers the account which policy denies it.",
    },
    ServiceCode {
        code: "APIGW.0307",
        meaning: "The token must be renewed.",
        cause: "An IAM token lives for 24 hours at most, and ends early when the user or its permissions change.",
        next_step: "Get a new token and set it, or use an access key, which doesn't expire during a long run.",
    },
    ServiceCode {
        code: "APIGW.0308",
        meaning: "Too many calls: the throttling threshold is reached.",
        cause: "The published limit of HSS is 5 calls a minute for one user and for one source address; somebody else may be spending the same quota.",
        next_step: "hss-sync waits for the window that the text names and repeats by itself. If it comes often, lower `limits.quota` or run when nobody else uses the API.",
    },
    ServiceCode {
        code: "APIGW.0310",
        meaning: "The project is not available.",
        cause: "The project is frozen, being deleted, or of another region than the endpoint.",
        next_step: "Check the project id of this region; a project id is valid in one region only.",
    },
    ServiceCode {
        code: "APIGW.0311",
        meaning: "The debugging authentication information is wrong.",
        cause: "A credential of the gateway's debugging tool instead of one of an IAM user.",
        next_step: "Use an IAM access key or token as the credential.",
    },
    ServiceCode {
        code: "APIGW.0401",
        meaning: "The gateway does not know the source address.",
        cause: "The address of this machine or its proxy could not be told.",
        next_step: "Check the proxy between this machine and the service.",
    },
    ServiceCode {
        code: "APIGW.0402",
        meaning: "The source address is not allowed.",
        cause: "An access rule of the account or of the API lists which addresses may call.",
        next_step: "Run from an allowed address, or have this one added.",
    },
    ServiceCode {
        code: "APIGW.0404",
        meaning: "Access is denied by a block list.",
        cause: "The source address, user or backend address is on a block list.",
        next_step: "Ask who administers the account, or Huawei Cloud support with the request id.",
    },
    ServiceCode {
        code: "APIGW.0501",
        meaning: "The quota of the app is used up.",
        cause: "Calls were bought or allotted for an app, and none are left.",
        next_step: "Use an IAM access key or token as the credential, or raise the quota of the app.",
    },
    ServiceCode {
        code: "APIGW.0502",
        meaning: "The app is frozen.",
        cause: "The account or app is suspended, for instance over an unpaid bill.",
        next_step: "Clear that in the console of the account, or use another credential.",
    },
    ServiceCode {
        code: "APIGW.0601",
        meaning: "Internal error of the gateway.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0602",
        meaning: "The gateway calls the request bad.",
        cause: NOT_EXPECTED,
        next_step: "Check the endpoint and the proxy between this machine and the service.",
    },
    ServiceCode {
        code: "APIGW.0605",
        meaning: "The gateway could not resolve the name of the backend.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0606",
        meaning: "The gateway could not load the configuration of the API.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0607",
        meaning: "The gateway does not support this protocol.",
        cause: NOT_EXPECTED,
        next_step: "Check that the endpoint begins with `https://`, and the proxy between this machine and the service.",
    },
    ServiceCode {
        code: "APIGW.0608",
        meaning: "The gateway could not get a token of its own.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0609",
        meaning: "The gateway found no backend network.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0610",
        meaning: "No backend is available to the gateway.",
        cause: "HSS in this region is down or restarting; whether it took the request isn't known.",
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0611",
        meaning: "The gateway found no port of the backend.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0612",
        meaning: "The gateway found that the API calls itself.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0613",
        meaning: "IAM is not available to the gateway.",
        cause: "The gateway could not check the credential, so the request was not passed on.",
        next_step: "hss-sync repeats by itself; if it lasts, run again later with what is left.",
    },
    ServiceCode {
        code: "APIGW.0705",
        meaning: "The gateway could not sign the request for the backend.",
        cause: INTERNAL,
        next_step: LOOK_FIRST,
    },
    ServiceCode {
        code: "APIGW.0801",
        meaning: "The service is not available to this user in this region.",
        cause: "The region is restricted for the account, or HSS isn't opened there.",
        next_step: "Check in the console whether the account may use HSS in this region; remove the region from the plan otherwise.",
    },
    ServiceCode {
        code: "APIGW.0802",
        meaning: "The IAM user is forbidden in this region.",
        cause: "The region is restricted for this user.",
        next_step: "Grant the user rights in this region's project, or remove the region from the plan.",
    },
    ServiceCode {
        code: "HSS.0001",
        meaning: "HSS calls a parameter wrong.",
        cause: "A registry id, registry type, project id or enterprise project id that HSS doesn't accept.",
        next_step: "Compare the ids and types of the request (`hss-sync plan --format json`) with the registries of the project.",
    },
    ServiceCode {
        code: "HSS.0002",
        meaning: "HSS could not parse the request.",
        cause: "The body did not arrive as it was sent, perhaps changed by a proxy, or a value has a form that HSS can't read.",
        next_step: "Compare the request (`hss-sync plan --format json`) with the API page; check the proxy between this machine and the service.",
    },
    ServiceCode {
        code: "HSS.0010",
        meaning: "HSS denies access (its page advises to check the parameters).",
        cause: "A project id or enterprise project that doesn't belong to the caller (a user who has rights on just one enterprise project must name it), or HSS is not authorised in this region.",
        next_step: "Check the project id; name your enterprise project in `enterprise_project_id`; check that HSS is delegated its rights in this region (agency `hss_policy_trust`).",
    },
    ServiceCode {
        code: "HSS.0011",
        meaning: "HSS found no such resource.",
        cause: "A registry or project that was removed, or belongs to another region.",
        next_step: "Check the ids against the registries of the project in this region.",
    },
    ServiceCode {
        code: "HSS.0013",
        meaning: "Not enough permission.",
        cause: "The user has no HSS rights in this project or enterprise project; a user who has rights on just one enterprise project must name it.",
        next_step: "Grant the user HSS access in this project, or name your enterprise project: set `enterprise_project_id` to one that the user may act in.",
    },
    ServiceCode {
        code: "HSS.0014",
        meaning: "HSS does not allow this quota to be created.",
        cause: "The account's HSS edition or resource quota doesn't cover the call.",
        next_step: "Check the HSS edition and quota of the account in this region.",
    },
    ServiceCode {
        code: "HSS.0041",
        meaning: "HSS could not query a server (from an older list of codes).",
        cause: "A fault inside HSS.",
        next_step: LOOK_FIRST,
    },
    not_of_images("HSS.1001", "The selected server has no agent."),
    not_of_images("HSS.1002", "The protection quota is not enough."),
    not_of_images("HSS.1003", "A protected server can't be ignored."),
    not_of_images("HSS.1004", "HSS could not query the policy."),
    not_of_images("HSS.1005", "The policy is not valid."),
    not_of_images("HSS.1006", "HSS could not send a command to the agent."),
    not_of_images("HSS.1007", "The agent is offline."),
    not_of_images("HSS.1008", "HSS could not query the server."),
    not_of_images("HSS.1009", "HSS could not save the settings of web-tamper protection."),
    not_of_images("HSS.1010", "HSS could not update the protected directories of web-tamper protection."),
    not_of_images("HSS.1011", "HSS could not convert a time."),
    not_of_images("HSS.1012", "The time range overlaps with another one."),
    not_of_images("HSS.1013", "HSS could not add a time range without protection."),
    not_of_images("HSS.1014", "HSS could not add the description of a time range without protection."),
    not_of_images("HSS.1015", "HSS could not add a privileged process."),
    not_of_images("HSS.1016", "HSS could not set the days without protection."),
    not_of_images("HSS.1017", "HSS could not query the security report."),
    not_of_images("HSS.1018", "The file information is not valid."),
    not_of_images("HSS.1019", "HSS could not query the server group."),
    not_of_images("HSS.1020", "The name of the policy group is taken."),
];
