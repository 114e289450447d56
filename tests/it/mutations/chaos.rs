//! Whatever the bytes, loading a plan ends: with a plan or with places that exist in the text.

use hss_sync::diagnostic::{MOST_SHOWN, Place, Style, render};
use proptest::prelude::*;

use super::{PLANS, problems};

/// Pieces that YAML and templates are made of, so that random texts get beyond the first character.
const PIECES: [&str; 40] = [
    "version: 1\n",
    "name: x\n",
    "vars:\n",
    "registry_sets:\n",
    "projects:\n",
    "rollout:\n",
    "limits:\n",
    "  ",
    "    ",
    "- ",
    "? ",
    ": ",
    "key: ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    "#",
    "\n",
    "\r\n",
    "\t",
    "---\n",
    "...\n",
    "{{ ",
    " }}",
    "{%",
    "vars.x",
    "00012",
    "é",
    "\u{feff}",
    "registries: [",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let (found, sources) = problems(text);
    // Each of the stages that pass shows a bounded number.
    prop_assert!(found.len() <= 3 * MOST_SHOWN);
    for diagnostic in &found {
        prop_assert!(!diagnostic.message.is_empty());
        if let Place::Text(label) = &diagnostic.place {
            let span = label.location.span;
            prop_assert!(text.get(span.range()).is_some(), "{span:?} is no part of {text:?}");
        }
        prop_assert!(render(diagnostic, &sources, Style::Plain).len() < 100_000);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_is_met_with_diagnostics(text in "\\PC{0,200}") {
        check(&text)?;
    }

    #[test]
    fn pieces_of_yaml_in_any_order_are_met_with_diagnostics(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
    ) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_plan_with_pieces_cut_out_and_put_in_is_met_with_diagnostics(
        plan in 0..PLANS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(&PIECES[..])), 1..6),
    ) {
        let mut text: Vec<char> = std::fs::read_to_string(PLANS[plan]).expect("a checked-in plan").chars().collect();
        for (place, length, piece) in edits {
            let start = place.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.chars());
        }
        check(&text.iter().collect::<String>())?;
    }
}
