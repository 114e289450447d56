//! Which plan of the old batch became which plan of the new one.

use crate::expand::PlannedFile;

/// For each new plan its old one: with the same digest, since then nothing changed about it; else with the same path; else with
/// the same name.
pub(super) fn partners(old: &[PlannedFile], new: &[PlannedFile]) -> Vec<Option<usize>> {
    type Same = fn(&PlannedFile, &PlannedFile) -> bool;
    let rules: [Same; 4] = [
        |old, new| old.digest == new.digest && old.path == new.path,
        |old, new| old.digest == new.digest,
        |old, new| old.path == new.path,
        |old, new| old.name == new.name,
    ];
    let mut partners = vec![None; new.len()];
    let mut is_taken = vec![false; old.len()];
    for same in rules {
        for (partner, file) in partners.iter_mut().zip(new).filter(|(partner, _)| partner.is_none()) {
            let found = old.iter().enumerate().find(|(index, other)| !is_taken[*index] && same(other, file));
            if let Some((index, _)) = found {
                is_taken[index] = true;
                *partner = Some(index);
            }
        }
    }
    partners
}
