//! What holds for every plan.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::build::{Build, expand_all, expand_one, plan};

/// A small random plan in data, so that it can be written in any order.
#[derive(Clone, Debug)]
struct Shape {
    /// Sets: registries by number.
    sets: Vec<BTreeSet<u8>>,
    /// Projects: regions by number, sets by number, label by number.
    projects: Vec<(BTreeSet<u8>, Vec<usize>, u8)>,
    /// Waves select by label; a last one takes the rest.
    waves: Vec<u8>,
    per_set: bool,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let set = prop::collection::btree_set(0_u8..6, 1..4);
    let project = (prop::collection::btree_set(0_u8..5, 1..4), prop::collection::vec(0_usize..3, 1..4), 0_u8..3);
    (
        prop::collection::vec(set, 3),
        prop::collection::vec(project, 1..5),
        prop::collection::vec(0_u8..3, 0..3),
        any::<bool>(),
    )
        .prop_map(|(sets, projects, mut waves, per_set)| {
            waves.retain(|wave| projects.iter().any(|(_, _, label)| label == wave));
            Shape { sets, projects, waves, per_set }
        })
}

const REGIONS: [&str; 5] = ["cn-north-1", "cn-north-4", "cn-east-2", "eu-west-101", "af-south-1"];

/// The plan, with everything whose order means nothing written forwards or backwards.
fn write(shape: &Shape, backwards: bool) -> Build {
    fn turn<T>(mut items: Vec<T>, backwards: bool) -> Vec<T> {
        if backwards {
            items.reverse();
        }
        items
    }
    let mut build = plan("p").var("env", "prod");
    for (number, registries) in turn(shape.sets.iter().enumerate().collect(), backwards) {
        let ids: Vec<String> =
            registries.iter().map(|id| format!("r{id}-{number}-{{{{ vars.env }}}}-{{{{ region }}}}")).collect();
        let items = turn(ids.iter().map(|id| (id.as_str(), "Harbor")).collect(), backwards);
        build = build.set(&format!("s{number}"), &items);
    }
    for (number, (regions, sets, label)) in turn(shape.projects.iter().enumerate().collect(), backwards) {
        let regions = turn(regions.iter().map(|region| REGIONS[usize::from(*region)]).collect(), backwards);
        let sets: BTreeSet<String> = sets.iter().map(|set| format!("s{set}")).collect();
        build = build
            .same(&format!("x{number}"), &format!("{{{{ project.name }}}}-{number}"), &regions)
            .sets(&turn(sets.iter().map(String::as_str).collect(), backwards))
            .labels(&[&format!("l{label}")]);
        if shape.per_set {
            build = build.per_set();
        }
    }
    for (number, label) in shape.waves.iter().enumerate() {
        build = build.wave(&format!("w{number}"), &[("label", &format!("l{label}"))], Some("10%"));
    }
    build.wave("rest", &[], None)
}

proptest! {
    #[test]
    fn order_and_layout_change_neither_ids_nor_digest(shape in shapes()) {
        let (forwards, _) = expand_one(&write(&shape, false));
        let (backwards, _) = expand_one(&write(&shape, true));
        prop_assert_eq!(&forwards.digest, &backwards.digest);
        let ids = |plan: &crate::expand::ExecutionPlan| -> BTreeSet<String> {
            plan.operations.iter().map(|operation| operation.id.to_string()).collect()
        };
        prop_assert_eq!(ids(&forwards), ids(&backwards));
        prop_assert_eq!(ids(&forwards).len(), forwards.operations.len());
    }

    #[test]
    fn every_operation_is_in_exactly_one_wave(shape in shapes()) {
        let (expanded, _) = expand_one(&write(&shape, false));
        let waves = &expanded.plans[0].waves;
        prop_assert_eq!(waves.iter().map(|wave| wave.operations).sum::<usize>(), expanded.operations.len());
        for operation in &expanded.operations {
            let number: usize = operation.target.project.as_str()[1..].parse().expect("x and a number");
            let label = shape.projects[number].2;
            let first = shape.waves.iter().position(|wave| *wave == label).unwrap_or(shape.waves.len());
            prop_assert_eq!(operation.wave, first);
        }
    }

    #[test]
    fn merging_unites_without_loss_and_twice_is_once(shape in shapes()) {
        let merged = Shape { per_set: false, ..shape.clone() };
        let single = Shape { per_set: true, ..shape };
        // A set named twice is refused by `plan::validate`; that it changes nothing is what makes merging idempotent.
        let twice = write(&merged, false).edit(|file| {
            for project in &mut file.projects {
                if let Some(sets) = &mut project.registry_sets {
                    sets.extend(sets.clone());
                }
            }
        });
        let (once, _) = expand_one(&write(&merged, false));
        let (twice, _) = expand_all(&[twice]).expect("expands");
        prop_assert_eq!(&once.digest, &twice.digest);
        let (parts, _) = expand_one(&write(&single, false));
        for whole in &once.operations {
            let part = |one: &&crate::model::Operation| {
                one.target.project == whole.target.project && one.target.region == whole.target.region
            };
            let united: BTreeSet<_> =
                parts.operations.iter().filter(part).flat_map(|one| &one.content.body.registry_info).collect();
            let merged: Vec<_> = whole.content.body.registry_info.iter().collect();
            prop_assert_eq!(merged.len(), united.len());
            prop_assert_eq!(merged.into_iter().collect::<BTreeSet<_>>(), united);
        }
    }

    #[test]
    fn a_value_never_changes_structure(value in prop_oneof![
        ".{0,80}",
        "[a-z\"'{}\\[\\]:,\\\\\n]{0,40}",
        Just("{{ region }}".to_owned()),
        Just("x\", \"sync_all_registries\": true, \"y\": \"".to_owned()),
    ]) {
        let build = plan("p")
            .var("id", &value)
            .set("a", &[("{{ vars.id }}", "Harbor")])
            .default_sets(&["a"])
            .project("x", &[("cn-north-1", "p1")]);
        if let Ok((expanded, _)) = expand_all(&[build]) {
            let request = expanded.operations[0].request().expect("nothing to look up");
            let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
            let expected = serde_json::json!({
                "sync_all_registries": false,
                "registry_info": [{ "registry_id": value, "registry_type": "Harbor" }],
            });
            prop_assert_eq!(body, expected);
        }
    }
}
