//! Whether the waves that a journal begins are those of its plan, which nothing in the journal itself can say.

use super::damage::DamagedJournal;
use super::header::Header;
use crate::event::RunEvent;

/// Holds the waves that begin to those that there are; `waves` says how many each plan has, in order.
///
/// # Errors
/// [`DamagedJournal::UnknownWave`] at the first that is none of them.
pub fn check_waves(header: &Header, events: &[RunEvent], waves: &[usize]) -> Result<(), DamagedJournal> {
    // The first event is the header, which has lines of its own; each other one has a line.
    let before = header.sources.len() + header.resolved.len() + 1;
    for (number, event) in events.iter().enumerate() {
        let RunEvent::WaveStarted { plan, wave, .. } = *event else { continue };
        if waves.get(plan).is_none_or(|waves| wave >= *waves) {
            return Err(DamagedJournal::UnknownWave { line: before + number, plan, wave });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::fixture;

    #[test]
    fn a_wave_that_no_plan_has_is_named_with_its_line() {
        let header = fixture::header();
        let begins = |plan, wave| RunEvent::WaveStarted { plan, wave, at: Duration::ZERO };
        let ends = RunEvent::RunEnded { at: Duration::ZERO };
        // The start stands for the header and its texts.
        let line = 1 + header.sources.len() + header.resolved.len() + 2;
        for (plan, wave, is_known) in
            [(0, 0, true), (0, 1, true), (1, 0, true), (0, 2, false), (1, 1, false), (2, 0, false)]
        {
            let events = [ends.clone(), begins(0, 0), begins(plan, wave)];
            let checked = check_waves(&header, &events, &[2, 1]);
            let refused = Err(DamagedJournal::UnknownWave { line, plan, wave });
            assert_eq!(checked, if is_known { Ok(()) } else { refused });
        }
    }
}
