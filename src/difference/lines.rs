//! Which lines of a text are others: the lines of a plan that somebody edited, each edit so that it can be undone alone.
//!
//! The longest common sequence of lines, over what is between the lines that both texts begin and end with. Where that is more
//! than a table may hold, it is one edit.

use std::ops::Range;

/// Cells of the table, 4 bytes each: some 2,000 lines in place of as many.
const MOST_CELLS: usize = 4 << 20;

/// Lines that stand in place of others; line indexes from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Lines of the old text.
    pub old: Range<usize>,
    /// Lines of the new text.
    pub new: Range<usize>,
}

/// The edits from `old` to `new`, in order. As many lines in place of as many are an edit each.
#[must_use]
pub fn edits(old: &str, new: &str) -> Vec<Edit> {
    let (old, new) = (lines(old), lines(new));
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut edits = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (to_old, to_new) in kept(old, new).into_iter().chain([(old.len(), new.len())]) {
        let edit = Edit { old: head + at_old..head + to_old, new: head + at_new..head + to_new };
        if edit.old.len() == edit.new.len() {
            edits.extend(edit.old.zip(edit.new).map(|(old, new)| Edit { old: old..old + 1, new: new..new + 1 }));
        } else {
            edits.push(edit);
        }
        (at_old, at_new) = (to_old + 1, to_new + 1);
    }
    edits
}

impl Edit {
    /// `new` with the lines of this edit as they were in `old`.
    #[must_use]
    pub fn undone(&self, old: &str, new: &str) -> String {
        let (old, new) = (lines(old), lines(new));
        [&new[..self.new.start], &old[self.old.clone()], &new[self.new.end..]].concat().concat()
    }
}

/// The lines of a text with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Pairs of lines that stay, in order; none if there are too many lines.
fn kept(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MOST_CELLS {
        return Vec::new();
    }
    // How many lines can stay from there on.
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for x in (0..old.len()).rev() {
        for y in (0..new.len()).rev() {
            longest[x * width + y] = if old[x] == new[y] {
                longest[(x + 1) * width + y + 1] + 1
            } else {
                longest[(x + 1) * width + y].max(longest[x * width + y + 1])
            };
        }
    }
    let (mut x, mut y) = (0, 0);
    let mut kept = Vec::new();
    while x < old.len() && y < new.len() {
        if old[x] == new[y] {
            kept.push((x, y));
            (x, y) = (x + 1, y + 1);
        } else if longest[(x + 1) * width + y] >= longest[x * width + y + 1] {
            x += 1;
        } else {
            y += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        edits(old, new).into_iter().map(|edit| (edit.old, edit.new)).collect()
    }

    #[test]
    fn edits_are_the_lines_that_differ() {
        assert_eq!(shown("a\nb\nc\n", "a\nb\nc\n"), []);
        assert_eq!(shown("a\nb\nc\n", "a\nB\nc\n"), [(1..2, 1..2)]);
        assert_eq!(shown("a\nb\nc\nd\n", "A\nb\nx\ny\nc\n"), [(0..1, 0..1), (2..2, 2..4), (3..4, 5..5)]);
        // Two lines in place of two can be undone one by one.
        assert_eq!(shown("a\nb\nc\n", "x\ny\nc\n"), [(0..1, 0..1), (1..2, 1..2)]);
        assert_eq!(shown("", "a\nb"), [(0..0, 0..2)]);
    }

    #[test]
    fn texts_without_end_are_one_edit() {
        let (old, new) = ("a\n".repeat(3000), "b\n".repeat(2000));
        assert_eq!(shown(&old, &new), [(0..3000, 0..2000)]);
    }

    proptest! {
        #[test]
        fn undoing_all_edits_gives_the_old_text(old in "([abc]\n){0,12}", new in "([abc]\n){0,12}") {
            // The last first, so that the lines before it keep their numbers.
            let undone = edits(&old, &new).iter().rev().fold(new, |text, edit| edit.undone(&old, &text));
            prop_assert_eq!(undone, old);
        }
    }
}
