//! What a damaged journal is told to be. `docs/journal.md` explains each message.

use std::time::Duration;

use crate::event::{Outcome, RunEvent};
use crate::journal::chain::Chain;
use crate::journal::fixture::{accepted, events, failure, header, index, journal, task, task_failed};
use crate::journal::{DamagedJournal, read};

/// Why the bytes are refused.
fn refusal(bytes: &[u8]) -> DamagedJournal {
    read(bytes).expect_err("it is damaged")
}

/// Line and damage of the refusal.
fn damage(bytes: &[u8]) -> String {
    match refusal(bytes) {
        DamagedJournal::Line { line, damage, .. } => format!("line {line}: {damage}"),
        other => other.to_string(),
    }
}

/// Whole lines with right sums, whatever they say: objects without their closing braces.
fn forged<'a>(objects: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let (mut chain, mut out) = (Chain::default(), Vec::new());
    for object in objects {
        let start = out.len();
        out.extend_from_slice(object.as_bytes());
        chain.seal(&mut out, start);
    }
    out
}

/// The first two lines of a journal, and then such an object with a right sum.
fn with(object: &str) -> Vec<u8> {
    let start = journal(&header(), &[]);
    let start = std::str::from_utf8(&start).expect("UTF-8");
    let open = |line| str::rsplit_once(line, ",\"sum\":").expect("it has a sum").0;
    forged(start.lines().map(open).chain([object]))
}

/// The first lines of the test run, changed by `change`.
fn changed(change: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
    let bytes = journal(&header(), &events()[..4]);
    let mut lines = std::str::from_utf8(&bytes).expect("UTF-8").lines().map(str::to_owned).collect();
    change(&mut lines);
    (lines.join("\n") + "\n").into_bytes()
}

#[test]
fn a_changed_file_is_refused_with_its_place() {
    type Change = fn(&mut Vec<String>);
    let cases: &[(Change, &str)] = &[
        (
            |lines| lines[3] = lines[3].replace("north", "south"),
            "line 4: its checksum does not match: this line, or the end of the one before it, was changed",
        ),
        (|lines| drop(lines.remove(3)), "line 4: its number is 4 and 3 comes here: lines are missing"),
        (
            |lines| lines.insert(4, lines[3].clone()),
            "line 5: its number is 3 and 4 comes here: lines are repeated or in another order",
        ),
        (|lines| lines.swap(3, 4), "line 4: its number is 4 and 3 comes here: lines are missing"),
        (|lines| lines[4].push('\r'), "line 5: it does not end with a checksum, as every whole line does"),
        (|lines| lines.insert(5, String::new()), "line 6: it does not end with a checksum, as every whole line does"),
        (|lines| lines[5].push(' '), "line 6: it does not end with a checksum, as every whole line does"),
        (|lines| lines[0].insert(0, '\u{feff}'), "line 1: a journal begins with a `run` record, and this is none"),
        (|lines| drop(lines.remove(0)), "line 1: a journal begins with a `run` record, and this is none"),
        (|lines| drop(lines.remove(1)), "line 2: its number is 2 and 1 comes here: lines are missing"),
    ];
    for (change, expected) in cases {
        assert_eq!(damage(&changed(*change)), *expected);
    }
}

#[test]
fn the_message_says_where_why_and_what_now() {
    let bytes = changed(|lines| lines[1] = lines[1].replace("fleet", "flood"));
    let start = journal(&header(), &[]).iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    assert_eq!(
        refusal(&bytes).to_string(),
        format!(
            "line 2 of the journal (byte {start}) is damaged: its checksum does not match: this line, or the end of the one \
             before it, was changed. What was sent may be missing from it, so that going on could send something twice. Keep \
             a copy of the run's directory, see in the console what was synchronised, and start a new run for the rest"
        )
    );
}

#[test]
fn an_unfinished_last_line_is_torn_and_one_without_its_line_break_is_not() {
    let whole = journal(&header(), &events()[..4]);
    let line_break = whole.len() - 1;
    let last_line = journal(&header(), &events()[..3]).len();
    for torn in [&whole[..line_break], &whole[..line_break - 1], &[&whole[..line_break], b"\0\0"].concat()] {
        let journal = read(torn).expect("a torn tail is normal");
        assert_eq!((journal.whole, journal.torn), (last_line, torn.len() - last_line));
    }
    let replaced = [&whole[..line_break], b"x"].concat();
    assert_eq!(damage(&replaced), "line 6: it is whole, and what follows is no line break");
}

#[test]
fn a_run_that_announced_nothing_sent_nothing() {
    let whole = journal(&header(), &[]);
    let expected =
        "the run was killed before it had announced anything, so nothing was sent: start it again with `hss-sync run`";
    for torn in [&whole[..0], &whole[..7], &whole[..whole.len() - 1], &[0; 4096]] {
        assert_eq!(refusal(torn).to_string(), expected);
    }
    assert_eq!(damage(b"version: 1"), "line 1: a journal begins with a `run` record, and this is none");
}

#[test]
fn a_newer_version_is_named_before_its_sum_is_looked_at() {
    let expected = "the journal has version 2 and this hss-sync reads version 1: go on with the hss-sync that wrote it, or a \
                    newer one";
    let newer = br#"{"record":"run","seq":0,"version":2,"new":[],"sum":"0000000000000000"}"#;
    assert_eq!(refusal(&[newer, &b"\n"[..]].concat()).to_string(), expected);
}

#[test]
fn a_record_that_this_version_does_not_have_is_refused() {
    let prefix = "line 3: it is not a record of version 1: ";
    let event = r#""seq":2,"op":"pay","at_us":0"#;
    let reason = r#"{"kind":"interrupted"}"#;
    let failed =
        |kind, given_up| format!(r#"{{"kind":"{kind}","status":null,"code":null,"message":"","given_up":{given_up}}}"#);
    let ended = |kind, rest| {
        format!(
            r#"{{"record":"attempt_ended",{event},"attempt":1,"started_us":0,"duration_us":0,"status":null,"error_code":null,"error_message":null,"request_id":null,"throttled":false,"kind":{kind},"retry_at_us":null{rest}"#
        )
    };
    for (object, expected) in [
        (r#"{"record":"paused","seq":2"#.to_owned(), "unknown variant `paused`, expected one of `run`, `source`, `resol"),
        (format!(r#"{{"record":"operation_reopened",{event},"why":1"#), "unknown field `why`, expected one of `seq`, `op"),
        (r#"{"record":"operation_reopened","seq":2"#.to_owned(), "missing field `op`"),
        (r#"{"record":"run_ended","seq":2,"at_us":-1"#.to_owned(), "invalid value: integer `-1`, expected u64"),
        (r#"{"record":"run_ended","seq":2,"at_us":1e3"#.to_owned(), "invalid type: floating point `1000.0`, expected u64"),
        (r#"{"record":"run_ended","seq":2,"at_us":1,"at_us":1"#.to_owned(), "duplicate field `at_us`"),
        (r#"{"record":"run_ended""#.to_owned(), "missing field `seq`"),
        ("nonsense".to_owned(), "expected ident"),
        (format!(r#"{{"record":"operation_ended",{event},"outcome":"lost""#), "unknown variant `lost`, expected one of"),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"failed""#),
            "`failure` and `reason` don't fit its `outcome`",
        ),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"accepted","reason":{reason}"#),
            "`failure` and `reason` don't fit its `outcome`",
        ),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"skipped","reason":{reason}"#),
            "`failure` and `reason` don't fit its `outcome`",
        ),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"confirmed""#),
            "only the end of a task has this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"failed","failure":{}"#, failed("task_failed", "null")),
            "only the end of a task has this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"operation_ended",{event},"outcome":"unknown","failure":{}"#, failed("task_failed", "null")),
            "only the end of a task has this `outcome` and `failure`",
        ),
        (
            ended("\"task_failed\"", ""),
            "no attempt ends with this `kind`",
        ),
        (ended("\"throttled\"", ""), "`closed_until_us` doesn't fit its `kind`"),
        (ended("\"refused\"", ",\"closed_until_us\":1"), "`closed_until_us` doesn't fit its `kind`"),
        (
            format!(r#"{{"record":"task_ended",{event},"outcome":"accepted""#),
            "no task ends with this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"task_ended",{event},"outcome":"unknown","failure":{}"#, failed("task_failed", "null")),
            "no task ends with this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"task_ended",{event},"outcome":"failed","failure":{}"#, failed("refused", "null")),
            "no task ends with this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"task_ended",{event},"outcome":"failed","failure":{}"#, failed("task_failed", reason)),
            "no task ends with this `outcome` and `failure`",
        ),
        (
            format!(r#"{{"record":"task_ended",{event},"outcome":"failed""#),
            "`failure` and `reason` don't fit its `outcome`",
        ),
        (format!(r#"{{"record":"task_found",{event},"task":"","early":false"#), "a task id is empty"),
        (format!(r#"{{"record":"task_progressed",{event},"percent":1"#), "unknown variant `task_progressed`"),
        (
            r#"{"record":"stopping","seq":2,"at_us":0,"reason":{"kind":"interrupted","more":1}"#.to_owned(),
            "unknown field `more`",
        ),
        (
            r#"{"record":"stopping","seq":2,"at_us":0,"reason":{"kind":"budget_spent","max_failures":"-1","of":1,"allowed":1}"#
                .to_owned(),
            "a number of failures is a whole number such as `3`, or a percentage such as `5%`",
        ),
        (r#"{"record":"source","seq":2,"path":"","text":"""#.to_owned(), "a `source` record after the last one"),
        (
            r#"{"record":"resolved","seq":2,"op":"pay","project_id":"p-1","registries":null"#.to_owned(),
            "a `resolved` record after the last one",
        ),
        ("{\"record\":\"\u{1b}[31m\",\"seq\":2".to_owned(), "control character (\\u0000-\\u001F) found while parsing a string"),
        ("{\"record\":\"\\u001b[31m\",\"seq\":2".to_owned(), "unknown variant `\\u{1b}[31m`, expected one of"),
        (format!(r#"{{"record":"run_ended","seq":2,"at_us":{}"#, "[".repeat(1_000_000)), "recursion limit exceeded"),
    ] {
        let said = damage(&with(&object));
        let start: String = object.chars().take(200).collect();
        assert!(said.starts_with(&format!("{prefix}{expected}")), "{start}\n{said}");
        assert!(said.chars().count() < 300 && !said.contains('\u{1b}'), "{said:?}");
    }
    let numbered = with(r#"{"record":"run_ended","seq":7,"at_us":0"#);
    assert_eq!(damage(&numbered), "line 3: its number is 7 and 2 comes here: lines are missing");
}

#[test]
fn a_header_is_held_to_its_own_rules() {
    let lines = journal(&header(), &[]);
    let line = std::str::from_utf8(&lines).expect("UTF-8").lines().next().expect("a line");
    let (line, _) = line.rsplit_once(",\"sum\":").expect("it has a sum");
    for (from, to, expected) in [
        (
            "20261124-080000-7f3a",
            "../x",
            "line 1: it is not a record of version 1: a run id contains '/', which names may not",
        ),
        (
            "sha256:0a",
            "sha256:0g",
            "line 1: it is not a record of version 1: a plan digest is not `sha256:` and 64 hexadecimal digits",
        ),
        (
            "\"record\":\"run\"",
            "\"record\":\"run_ended\"",
            "line 1: a journal begins with a `run` record, and this is none",
        ),
        ("2026-11-24T", "2026-11-34T", "line 1: it is not a record of version 1: "),
    ] {
        let said = damage(&forged([&*line.replace(from, to)]));
        assert!(said.starts_with(expected), "{said}");
    }
    let early = r#"{"record":"run_ended","seq":1,"at_us":0"#;
    assert_eq!(
        damage(&forged([line, early])),
        "line 2: a `source` record with the text of a plan comes here, and this is none"
    );
    let promised = line.replace("\"sources\":1,\"resolved\":0", "\"sources\":0,\"resolved\":1");
    assert_eq!(damage(&forged([&*promised, early])), "line 2: a `resolved` record comes here, and this is none");
    let resolved = |values: &str| format!(r#"{{"record":"resolved","seq":1,"op":"pay/cn-north-4/0/1",{values}"#);
    for (values, expected) in [
        (r#""project_id":null,"registries":null"#, "it resolves nothing"),
        (r#""project_id":"p-1","registries":[]"#, "it resolves nothing"),
        (r#""project_id":"a/b","registries":null"#, "a project id "),
        (r#""project_id":null,"registries":[{"registry_id":"r-1","registry_type":"Nexus"}]"#, "a registry type is "),
    ] {
        let said = damage(&forged([&*promised, &resolved(values)]));
        assert!(said.starts_with(&format!("line 2: it is not a record of version 1: {expected}")), "{said}");
    }
    let second = line.replace("\"seq\":0", "\"seq\":2");
    assert_eq!(damage(&with(&second)), "line 3: it is not a record of version 1: a second `run` record");
}

#[test]
fn what_cannot_have_happened_is_refused() {
    let s = Duration::from_secs;
    let launch = |attempt, at| RunEvent::AttemptStarted { op: 0, attempt, at: s(at) };
    let land = |attempt, at| RunEvent::AttemptEnded {
        op: 0,
        attempt,
        at: s(at),
        record: accepted(s(0)),
        retry_at: None,
        closed_until: None,
    };
    let withdraw = |attempt, at| RunEvent::AttemptWithdrawn { op: 0, attempt, at: s(at) };
    let accept = |at| RunEvent::OperationEnded { op: 0, at: s(at), outcome: Outcome::Accepted };
    let fail = |at| RunEvent::OperationEnded { op: 0, at: s(at), outcome: Outcome::Failed(failure(None)) };
    let reopen = |at| RunEvent::OperationReopened { op: 0, at: s(at) };
    let unknown = |at| RunEvent::OperationEnded { op: 0, at: s(at), outcome: Outcome::Unknown(failure(None)) };
    let found = |at| RunEvent::TaskFound { op: 0, at: s(at), task: task("a"), early: false };
    let unclear = |at| RunEvent::TaskUnclear { op: 0, at: s(at), why: String::new() };
    let confirm = |at| RunEvent::TaskEnded { op: 0, at: s(at), outcome: Outcome::Confirmed };
    let task_fails = |at| RunEvent::TaskEnded { op: 0, at: s(at), outcome: task_failed("no") };
    let end = |at| RunEvent::RunEnded { at: s(at) };
    for (events, expected) in [
        (vec![launch(1, 2), land(1, 1)], "line 4: it happens at 1s and the line before it at 2s"),
        (vec![end(1), end(1)], "line 4: it follows the end of the run, where only `run_resumed` can come"),
        (
            vec![RunEvent::WaveStarted { plan: 1, wave: 0, at: s(0) }],
            "line 3: it names plan 1 and the header has 1, counted from 0",
        ),
        (vec![launch(1, 0), launch(2, 0)], "line 4: an attempt starts on an operation that has an attempt in flight"),
        (vec![fail(0), launch(1, 0)], "line 4: an attempt starts on an operation that has its outcome"),
        (vec![accept(0), launch(1, 0)], "line 4: an attempt starts on an operation that was accepted"),
        (vec![launch(2, 0)], "line 3: it is attempt 2, and attempt 1 is next"),
        (vec![launch(1, 0), land(1, 0), launch(1, 0)], "line 5: it is attempt 1, and attempt 2 is next"),
        (vec![launch(1, 0), land(2, 0)], "line 4: it is attempt 2, and attempt 1 is next"),
        (vec![launch(1, 0), withdraw(1, 0), launch(2, 0)], "line 5: it is attempt 2, and attempt 1 is next"),
        (vec![launch(1, 0), withdraw(2, 0)], "line 4: it is attempt 2, and attempt 1 is next"),
        (vec![withdraw(1, 0)], "line 3: an attempt ends on an operation that is open"),
        (vec![land(1, 0)], "line 3: an attempt ends on an operation that is open"),
        (vec![fail(0), fail(0)], "line 4: an outcome for an operation that has its outcome"),
        (vec![launch(1, 0), accept(0)], "line 4: an outcome for an operation that has an attempt in flight"),
        (vec![reopen(0)], "line 3: an operation is opened again that is open"),
        (vec![accept(0), reopen(0)], "line 4: an operation is opened again that was accepted"),
        (vec![found(0)], "line 3: a task of an operation that is open"),
        (vec![unclear(0)], "line 3: a task of an operation that is open"),
        (vec![launch(1, 0), found(0)], "line 4: a task of an operation that has an attempt in flight"),
        (vec![fail(0), found(0)], "line 4: a task of an operation that has its outcome"),
        (vec![fail(0), unclear(0)], "line 4: a task of an operation that has its outcome"),
        (vec![accept(0), found(2), unclear(1)], "line 5: it happens at 1s and the line before it at 2s"),
        (vec![accept(0), confirm(0)], "line 4: the end of a task that was not found"),
        (vec![accept(0), unclear(0), task_fails(0)], "line 5: the end of a task that was not found"),
        (vec![unknown(0), confirm(0)], "line 4: a task of an operation that is unknown"),
        (vec![unknown(0), found(0), reopen(0)], "line 5: an operation is opened again that was accepted"),
        (vec![unknown(0), found(0), accept(0)], "line 5: an outcome for an operation that was accepted"),
        (vec![accept(0), found(0), confirm(0), confirm(0)], "line 6: a task of an operation that was confirmed"),
        (vec![accept(0), found(0), confirm(0), found(0)], "line 6: a task of an operation that was confirmed"),
        (vec![accept(0), found(0), confirm(0), reopen(0)], "line 6: an operation is opened again that was confirmed"),
        (
            vec![accept(0), found(0), confirm(0), launch(1, 0)],
            "line 6: an attempt starts on an operation that was confirmed",
        ),
        (vec![accept(0), found(0), task_fails(0), found(0)], "line 6: a task of an operation that has its outcome"),
        (
            vec![accept(0), found(0), task_fails(0), reopen(0), accept(0), confirm(0)],
            "line 8: the end of a task that was not found",
        ),
    ] {
        assert_eq!(damage(&journal(&header(), &events)), expected);
    }
}

/// What becomes of the task of an operation, over sessions.
#[test]
fn what_a_task_may_do_is_taken() {
    let s = Duration::from_secs;
    let end = |outcome| RunEvent::OperationEnded { op: 0, at: s(0), outcome };
    let found = |id| RunEvent::TaskFound { op: 0, at: s(1), task: task(id), early: false };
    let unclear = RunEvent::TaskUnclear { op: 0, at: s(1), why: "two tasks fit".to_owned() };
    let ended = |outcome| RunEvent::TaskEnded { op: 0, at: s(1), outcome };
    let reopened = RunEvent::OperationReopened { op: 0, at: s(1) };
    let resumed = RunEvent::RunResumed { at: s(1), resumed_at: jiff::Timestamp::UNIX_EPOCH, forecast: s(0) };
    let again = [resumed.clone(), reopened, RunEvent::AttemptStarted { op: 0, attempt: 1, at: s(1) }];
    let (accepted, unknown) = (end(Outcome::Accepted), end(Outcome::Unknown(failure(None))));
    for events in [
        vec![accepted.clone(), unclear.clone(), found("a"), unclear.clone(), ended(Outcome::Confirmed)],
        vec![accepted.clone(), found("a"), resumed.clone(), ended(Outcome::Confirmed)],
        vec![accepted.clone(), found("a"), resumed.clone(), found("a"), found("b"), ended(task_failed("no"))],
        vec![
            unknown.clone(),
            unclear.clone(),
            found("a"),
            ended(task_failed("no")),
            again[1].clone(),
            again[2].clone(),
        ],
        [&[unknown, unclear][..], &again].concat(),
        [&[accepted, found("a"), ended(task_failed("no"))][..], &again].concat(),
    ] {
        let read = read(&journal(&header(), &events)).expect("legal").events(index).expect("known");
        assert_eq!(read[1..], events);
    }
}

#[test]
fn an_operation_that_the_plan_does_not_have_is_named_with_its_line() {
    let journal = read(&journal(&header(), &events())).expect("whole");
    let known = |id: &str| index(id).filter(|op| *op != 7);
    assert_eq!(
        journal.events(known).expect_err("one is not known").to_string(),
        "line 20 of the journal names operation `tab\\tline\\nnul\\u{0}/cn-north-4/0/bbbbcccc`, which the plan that is \
         recorded there does not have. Go on with the version of hss-sync that began the run; if it was this one, please \
         report this bug"
    );
}
