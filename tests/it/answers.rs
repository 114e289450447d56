//! `docs/answers.md` and the texts about codes, held to what the program does.

use clap::CommandFactory;
use hss_sync::cli::Cli;
use hss_sync::exit::ExitStatus;
use hss_sync::policy::{Answer, Redactor, Verdict, classify, service_codes};

/// What the program makes of an answer, in the word that the page uses.
fn verdict(status: u16, code: Option<&str>) -> &'static str {
    let body = code.map(|code| format!(r#"{{"error_code":"{code}","error_msg":"x"}}"#)).unwrap_or_default();
    let answer = Answer { status, body: body.into_bytes(), ..Answer::default() };
    match classify(&answer, &Redactor::default()) {
        Verdict::Accepted => "accepted",
        Verdict::Failed(_) => "failed",
        Verdict::Unknown(_) => "unknown",
        Verdict::Retry { .. } => "repeat",
    }
}

/// The rows of the table "Everything else": what answered, and the first word of the verdict.
fn rows() -> Vec<(String, String)> {
    let page = std::fs::read_to_string("docs/answers.md").expect("the page");
    let table = page.split("## Everything else").nth(1).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| answer"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0].to_owned(), cells[1].split([' ', ',']).next().unwrap_or_default().to_owned())
    })
    .collect()
}

/// Whether a row names the number of a gateway code: as it is, in a range, or as `04xx`.
fn names(row: &str, number: u32) -> bool {
    row.replace("APIGW.", "").split([',', ' ']).any(|word| {
        let value = |text: &str| (text.len() == 4).then(|| text.parse::<u32>().ok()).flatten();
        match word.split_once('–') {
            Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| (from..=to).contains(&number)),
            None => match word.strip_suffix("xx") {
                Some(hundreds) => hundreds.len() == 2 && hundreds.parse() == Ok(number / 100),
                None => value(word) == Some(number),
            },
        }
    })
}

#[test]
fn every_code_of_the_gateway_is_judged_as_the_page_says() {
    let rows = rows();
    assert!(rows.len() > 10, "{rows:?}");
    let mut judged = 0;
    for entry in service_codes() {
        let Some(number) = entry.code.strip_prefix("APIGW.").and_then(|number| number.parse().ok()) else { continue };
        let found: Vec<_> = rows.iter().filter(|(answer, _)| names(answer, number)).collect();
        assert!(!found.is_empty(), "{} is on no row of docs/answers.md", entry.code);
        for status in [400, 403, 404, 500, 502, 503] {
            // 0201 is on two rows, each with its statuses.
            let digit = format!("{}xx status", status / 100);
            let row = found.iter().find(|(answer, _)| found.len() == 1 || answer.contains(&digit));
            let (answer, word) = row.unwrap_or_else(|| panic!("{} with {status}", entry.code));
            for spelling in [entry.code.to_owned(), entry.code.replace("APIGW", "APIG")] {
                assert_eq!(verdict(status, Some(&spelling)), word, "{spelling} with {status}: {answer}");
            }
        }
        judged += 1;
    }
    assert!(judged > 30, "{judged}");
}

#[test]
fn every_status_is_judged_as_the_page_says() {
    let rows = rows();
    let word = |start: &str| {
        let row = rows.iter().find(|(answer, _)| answer.starts_with(start));
        row.unwrap_or_else(|| panic!("no row for {start}")).1.clone()
    };
    for (start, statuses) in [
        ("3xx", &[300, 302, 307, 399][..]),
        ("401", &[401]),
        ("403 otherwise", &[403]),
        ("429", &[429]),
        ("503", &[503, 408]),
        ("504", &[504]),
        ("other 5xx: 500, 502", &[500, 501, 502, 505, 599]),
        ("other 4xx", &[400, 404, 405, 413, 499]),
        ("1xx", &[100, 199, 600, 999]),
    ] {
        for status in statuses {
            assert_eq!(verdict(*status, None), word(start), "{status}");
        }
    }
    assert_eq!(verdict(500, Some("HSS.0041")), word("other 5xx with a code of HSS"));
}

/// A next step that names a command which isn't there is none.
#[test]
fn advice_names_only_commands_that_exist() {
    let cli = Cli::command();
    let texts = service_codes().iter().flat_map(|entry| [entry.meaning, entry.cause, entry.next_step]);
    let mut commands = 0;
    for text in texts.chain(ExitStatus::ALL.map(ExitStatus::next_step)) {
        for quoted in text.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.strip_prefix("hss-sync ")) {
            let name = quoted.split(' ').next().unwrap_or_default();
            let known = name == "COMMAND" || cli.get_subcommands().any(|command| command.get_name() == name);
            assert!(known, "`hss-sync {name}` in: {text}");
            commands += 1;
        }
    }
    assert!(commands > 2, "{commands}");
}
