//! What CreateImageSynchronizeTask accepts, and the lists.

use super::*;

async fn create_with(lab: &Lab, body: &str) -> Reply {
    let mut request = lab.create("cn-north-4", "p1");
    request.body = body.as_bytes().to_vec();
    lab.call(&request).await
}

fn unlimited() -> SimulatorConfig {
    SimulatorConfig { quota: None, ..SimulatorConfig::default() }
}

#[tokio::test]
async fn bodies_that_break_a_rule_are_refused_in_the_words_of_hss() {
    let lab = Lab::start(unlimited()).await;
    let id_65 = format!(
        r#"{{"sync_all_registries":false,"registry_info":[{{"registry_id":"{}","registry_type":"Harbor"}}]}}"#,
        "x".repeat(65)
    );
    for (body, code, part) in [
        ("", "HSS.0002", "EOF"),
        ("{", "HSS.0002", "EOF"),
        ("sync", "HSS.0002", "expected value"),
        ("[true,null]", "HSS.0001", "not an object"),
        ("7", "HSS.0001", "not an object"),
        ("{}", "HSS.0001", "sync_all_registries is missing"),
        (r#"{"sync_all_registries":"true"}"#, "HSS.0001", "sync_all_registries is not a boolean"),
        (r#"{"sync_all_registries":false}"#, "HSS.0001", "names no registry"),
        (r#"{"sync_all_registries":false,"registry_info":[]}"#, "HSS.0001", "names no registry"),
        (r#"{"sync_all_registries":false,"registry_info":{}}"#, "HSS.0001", "registry_info is not an array"),
        (
            r#"{"sync_all_registries":false,"registry_info":[["a","Harbor"]]}"#,
            "HSS.0001",
            "registry_info[0].registry_id is missing",
        ),
        (
            r#"{"sync_all_registries":false,"registry_info":[{"registry_id":12,"registry_type":"Harbor"}]}"#,
            "HSS.0001",
            "registry_info[0].registry_id is not a string",
        ),
        (
            r#"{"sync_all_registries":false,"registry_info":[{"registry_type":"Harbor"}]}"#,
            "HSS.0001",
            "registry_info[0].registry_id is missing",
        ),
        (
            r#"{"sync_all_registries":false,"registry_info":[{"registry_id":"a","registry_type":"JFrog"}]}"#,
            "HSS.0001",
            "registry_info[0].registry_type: a registry type is none of",
        ),
        (&id_65, "HSS.0001", "the length of registry_info[0].registry_id is 65"),
    ] {
        let reply = create_with(&lab, body).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (400, code), "{body}");
        let json = reply.json();
        assert!(json["error_description"].as_str().is_some_and(|text| text.contains(part)), "{body}: {json}");
        assert_eq!(json["error_msg"], json["error_description"]);
    }
    assert_eq!(lab.simulator.stats().committed, 0);
    assert_eq!(create_with(&lab, r#"{"sync_all_registries":true}"#).await.status, 200);
}

#[tokio::test]
async fn the_content_type_must_be_json() {
    let lab = Lab::start(unlimited()).await;
    for (value, status) in
        [("application/json", 200), ("application/json;charset=utf8", 200), ("text/plain", 400), ("", 400)]
    {
        let mut request = lab.create("cn-north-4", "p1");
        request.headers.retain(|(name, _)| name != "Content-Type");
        request.headers.push(("Content-Type".to_owned(), value.to_owned()));
        assert_eq!(lab.call(&request).await.status, status, "{value:?}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let lab = Lab::start(unlimited()).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/v5/p1/image/image-sync/tasks"),
        ("POST", "/v5/p1/image/registries"),
        ("DELETE", "/v5/p1/image/image-sync/tasks"),
        ("POST", "/v5/p1/image/image-sync/tasks/x"),
        ("POST", "//v5/p1/image/image-sync/tasks"),
        ("POST", "/V5/p1/image/image-sync/tasks"),
    ] {
        let reply = lab.send(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (404, "APIGW.0101"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_task_is_listed_and_runs_to_its_end() {
    let lab = Lab::start(unlimited()).await;
    assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
    let list = async |query: &[(&str, &str)]| lab.call(&lab.get("/v5/p1/image/tasks", query)).await;
    const SYNC: (&str, &str) = ("type", "image_sync");
    let task = list(&[SYNC]).await.json()["data_list"][0].clone();
    assert_eq!(task["begin_time"], 1_768_464_000_000_i64);
    assert_eq!((&task["task_status"], &task["end_time"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!((&task["task_type"], &task["total_num"]), (&"manualSync".into(), &1.into()));
    assert_eq!(lab.last().task_id, None, "a read creates nothing");
    assert_eq!(lab.simulator.log()[0].task_id.as_deref(), task["task_id"].as_str());

    let registries = format!("/v5/p1/image/image-sync/tasks/{}/registries", task["task_id"].as_str().expect("an id"));
    let running = lab.call(&lab.get(&registries, &[])).await.json();
    assert_eq!(running["data_list"][0]["registry_id"], "77aa");
    assert_eq!(running["data_list"][0]["sync_status"], "running");

    lab.clock.set_ms(120_000);
    let task = list(&[SYNC, ("task_status", "finished")]).await.json()["data_list"][0].clone();
    assert_eq!((&task["task_status"], &task["success_num"]), (&100.into(), &1.into()));
    assert!(task["end_time"].as_i64() > task["begin_time"].as_i64());
    let finished = lab.call(&lab.get(&registries, &[])).await.json();
    assert_eq!(finished["data_list"][0]["sync_status"], "finished");

    for (query, total) in [
        (&[SYNC, ("task_status", "scanning")][..], 0),
        (&[("type", "image_scan")], 0),
        (&[SYNC, ("task_type", "autoSync")], 0),
        (&[SYNC, ("task_type", "manualSync")], 1),
        (&[SYNC, ("enterprise_project_id", "ep2")], 0),
        (&[SYNC, ("enterprise_project_id", "all_granted_eps")], 1),
        (&[SYNC, ("create_time", "1768464000000"), ("end_time", "1768464000000")], 1),
        (&[SYNC, ("create_time", "1768464000001")], 0),
        (&[SYNC, ("end_time", "1768463999999")], 0),
        (&[SYNC, ("task_id", "other")], 0),
    ] {
        assert_eq!(lab.call(&lab.get("/v5/p1/image/tasks", query)).await.json()["total_num"], total, "{query:?}");
    }
    let other_project = lab.call(&lab.get("/v5/p2/image/tasks", &[SYNC])).await;
    assert_eq!(other_project.json(), serde_json::json!({ "total_num": 0, "data_list": [] }));
    let absent = lab.call(&lab.get("/v5/p1/image/image-sync/tasks/none/registries", &[])).await;
    assert_eq!((absent.status, absent.error_code().as_str()), (400, "HSS.0011"));
}

#[tokio::test]
async fn lists_come_in_pages_within_the_documented_limits() {
    let lab = Lab::start(unlimited()).await;
    for _ in 0..12 {
        assert_eq!(lab.call(&lab.create("cn-north-4", "p1")).await.status, 200);
    }
    let page = async |more: &[(&str, &str)]| {
        let query = [&[("type", "image_sync")], more].concat();
        lab.call(&lab.get("/v5/p1/image/tasks", &query)).await
    };
    let ids = |reply: &Reply| {
        let json = reply.json();
        assert_eq!(json["total_num"], 12);
        let items = json["data_list"].as_array().expect("a list").clone();
        items.iter().map(|task| task["task_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let first = ids(&page(&[]).await);
    let second = ids(&page(&[("offset", "10")]).await);
    assert_eq!((first.len(), second.len()), (10, 2));
    assert_eq!(ids(&page(&[("limit", "200")]).await), [first, second].concat());
    assert_eq!(ids(&page(&[("offset", "2000000")]).await).len(), 0);
    for bad in [("limit", "9"), ("limit", "201"), ("limit", "x"), ("offset", "-1"), ("offset", "2000001")] {
        let reply = page(&[bad]).await;
        assert_eq!((reply.status, reply.error_code().as_str()), (400, "HSS.0001"), "{bad:?}");
    }
    let untyped = lab.call(&lab.get("/v5/p1/image/tasks", &[])).await;
    assert_eq!((untyped.status, untyped.error_code().as_str()), (400, "HSS.0001"));
}

#[tokio::test]
async fn registries_are_listed_with_the_documented_filters() {
    let lab = Lab::start(unlimited()).await;
    let list = async |query: &[(&str, &str)]| lab.call(&lab.get("/v5/p1/image/registries", query)).await;
    let all = list(&[]).await.json();
    assert_eq!(all["total_num"], 5);
    assert_eq!(all["data_list"][3]["registry_type"], "Harbor");
    let id = all["data_list"][3]["id"].as_str().expect("an id").to_owned();
    for (query, total) in [
        (&[("registry_type", "Harbor,Jfrog")][..], 2),
        (&[("registry_name", "prod-")], 2),
        (&[("status", "fail")], 1),
        (&[("registry_id", &*id)], 1),
        (&[("registry_type", "Other")], 0),
    ] {
        assert_eq!(list(query).await.json()["total_num"], total, "{query:?}");
    }
    assert_eq!(list(&[("registry_type", "harbor")]).await.error_code(), "HSS.0001");
    let other = lab.call(&lab.get("/v5/p2/image/registries", &[])).await.json();
    assert_ne!(other["data_list"][3]["id"], id.as_str());
}

#[tokio::test]
async fn iam_finds_one_project_for_a_known_region() {
    let lab = Lab::start(unlimited()).await;
    let find = async |region: &str| lab.call(&lab.get("/v3/projects", &[("name", region)])).await.json();
    let reply = lab.call(&lab.get("/v3/projects", &[("name", "eu-west-101")])).await;
    assert_eq!(reply.header("x-iam-trace-id").map(str::len), Some(32));
    let found = reply.json();
    assert_eq!(found["projects"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["projects"][0]["name"], "eu-west-101");
    assert_eq!(found["projects"][0]["id"].as_str(), Simulator::project_id("eu-west-101").as_deref());
    assert_eq!(find("eu-west-101").await, found);
    assert_eq!(find("mars-north-1").await["projects"], serde_json::json!([]));
    assert_eq!(lab.call(&lab.get("/v3/projects", &[])).await.json()["projects"].as_array().map(Vec::len), Some(32));
}
