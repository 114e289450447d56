//! What a finished mapping is made of: merge keys (`<<`) applied, duplicate keys found, a large one sorted.
//!
//! Works on pairs of node indices, so a merged entry costs eight bytes and no node.

use std::collections::{HashMap, HashSet};

use super::scalar::ScalarStyle;
use super::tree::{DataKind, SORTED_FROM, Tree};

/// Two keys with the same text: the pairs' positions, first and second.
pub(super) type Duplicate = (usize, usize);

/// Positions of keys that repeat an earlier one.
pub(super) fn duplicates(tree: &Tree, pairs: &[[u32; 2]]) -> Vec<Duplicate> {
    let key = |at: usize| tree.text_of(pairs[at][0]);
    let mut found = Vec::new();
    if pairs.len() <= SORTED_FROM {
        for second in 1..pairs.len() {
            if let Some(first) = (0..second).find(|first| key(*first) == key(second)) {
                found.push((first, second));
            }
        }
        return found;
    }
    let mut seen = HashMap::with_capacity(pairs.len());
    for at in 0..pairs.len() {
        match seen.entry(key(at)) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(at);
            }
            std::collections::hash_map::Entry::Occupied(first) => found.push((*first.get(), at)),
        }
    }
    found
}

/// Whether `index` is an unquoted `<<`.
pub(super) fn is_merge_key(tree: &Tree, index: u32) -> bool {
    let data = &tree.nodes[index as usize];
    data.count == 2 && data.style == ScalarStyle::Plain && tree.text_of(index) == "<<"
}

/// The pairs with every merge key replaced by what it brings; or the value that can't be merged.
///
/// The mapping's own keys win over merged ones, and in a list an earlier mapping over a later one.
pub(super) fn apply(tree: &Tree, pairs: &[[u32; 2]]) -> Result<Vec<[u32; 2]>, u32> {
    let mut taken: HashSet<&str> =
        pairs.iter().filter(|pair| !is_merge_key(tree, pair[0])).map(|pair| tree.text_of(pair[0])).collect();
    let mut merged = Vec::with_capacity(pairs.len());
    for pair in pairs {
        if !is_merge_key(tree, pair[0]) {
            merged.push(*pair);
            continue;
        }
        let single = [pair[1]];
        let value = &tree.nodes[pair[1] as usize];
        let sources = match value.kind {
            DataKind::Sequence => &tree.links[value.first as usize..][..value.count as usize],
            _ => &single,
        };
        for source in sources {
            let data = &tree.nodes[*source as usize];
            if data.kind != DataKind::Mapping {
                return Err(*source);
            }
            let (entries, _) = tree.links[data.first as usize..][..data.count as usize * 2].as_chunks::<2>();
            merged.extend(entries.iter().filter(|entry| taken.insert(tree.text_of(entry[0]))));
        }
    }
    Ok(merged)
}

/// The positions of `pairs` in the order of their keys, if there are many.
pub(super) fn sorted(tree: &Tree, pairs: &[[u32; 2]]) -> Vec<u32> {
    if pairs.len() <= SORTED_FROM {
        return Vec::new();
    }
    let mut order: Vec<u32> = (0..).take(pairs.len()).collect();
    order.sort_unstable_by_key(|at| tree.text_of(pairs[*at as usize][0]));
    order
}
