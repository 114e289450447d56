use proptest::prelude::*;

use super::{COLUMNS, harmless};
use crate::event::{FailureKind, NotAttemptedReason, Outcome};
use crate::report::Format;
use crate::report::fixture::{SMALL, failed, hostile, left, planned, ran, report, said, written};

#[test]
fn a_run() {
    let (plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
    let refused = failed(FailureKind::Refused, Some("HSS.0999"), "not \"enough\", really");
    let summary = ran(vec![Outcome::Accepted, refused, left(NotAttemptedReason::Interrupted)]);
    let text = written(Format::Csv, &report(&plan, &sources, &summary));
    let digest = plan.plans[0].digest.as_str();
    let [first, second, third] = [0, 1, 2].map(|op: usize| plan.operations[op].id.as_str());
    let expected = format!(
        "\
run,plan,digest,id,project,region,project_id,enterprise_project_id,credential,registry_sets,wave,path,line,column,outcome,kind,error_code,reason,task_id,calls,throttled,started_at,in_calls_ms,status,request_id
20261124-080000-7f3a,fleet,{digest},{first},payments,cn-north-4,0a1b2c3d4e5f60718293a4b5c6d7e8f9,0,default,all,all,plans/fleet.yaml,6,38,accepted,,,,,1,0,2026-11-24T08:00:00.001Z,12,200,d8e9
20261124-080000-7f3a,fleet,{digest},{second},search,eu-west-101,search-eu,0,default,all,all,plans/fleet.yaml,7,36,failed,refused,HSS.0999,\"HSS.0999: not \"\"enough\"\", really\",,1,0,2026-11-24T08:00:00.001Z,12,400,d8e9
20261124-080000-7f3a,fleet,{digest},{third},billing,cn-north-4,billing-north,0,default,all,all,plans/fleet.yaml,8,37,not_attempted,,,the run was interrupted,,0,0,,0,,
"
    );
    assert_eq!(text, expected);
}

#[test]
fn no_cell_is_a_formula() {
    for (cell, shown) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum(a1)", "'@sum(a1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("", ""),
    ] {
        assert_eq!(harmless(cell), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said, a row is a line of as many cells as there are columns, none of which is a formula.
    #[test]
    fn what_others_say_stays_in_its_cell(texts in [hostile(), hostile(), hostile(), hostile()]) {
        let (plan, sources, summary) = said(&texts);
        let text = written(Format::Csv, &report(&plan, &sources, &summary));
        prop_assert_eq!(text.lines().count(), 7);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        for row in reader.records() {
            let row = row.expect("CSV");
            prop_assert_eq!(row.len(), COLUMNS.len());
            for cell in &row {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{:?}", cell);
                prop_assert!(!cell.chars().any(char::is_control), "{:?}", cell);
            }
        }
    }
}
