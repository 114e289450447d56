//! How many files and connections the system lets this process have open.
//!
//! A connection that the system refuses to open costs an attempt, and files that can't be opened cost the report. So the
//! soft limit is raised to what the run needs, as far as the hard limit allows, and where that is not enough fewer requests
//! are launched at a time. `io::http` asks when it is set up, and a forecast before that.

use std::num::NonZeroUsize;

/// What else is open: streams, journal, reports that are being written, the runtime, signals, look-ups of names.
const RESERVE: u64 = 24;
/// One connection in flight and one that is idle, or the simulator's end of it in the same process.
const PER_REQUEST: u64 = 2;

/// How many of `wanted` requests can be in flight at once; none if all of them can.
#[must_use]
pub fn room_for(wanted: usize) -> Option<NonZeroUsize> {
    most_of(wanted, limit(limit_for(wanted))?)
}

/// The limit that leaves room for so many requests.
#[must_use]
pub fn limit_for(wanted: usize) -> u64 {
    RESERVE.saturating_add(PER_REQUEST.saturating_mul(wanted as u64))
}

fn most_of(wanted: usize, limit: u64) -> Option<NonZeroUsize> {
    let most = usize::try_from(limit.saturating_sub(RESERVE) / PER_REQUEST).unwrap_or(usize::MAX);
    if most >= wanted { None } else { NonZeroUsize::new(most).or(Some(NonZeroUsize::MIN)) }
}

/// The limit, raised to `needed` if it is lower and may be raised; none if the system doesn't tell.
#[cfg(unix)]
fn limit(needed: u64) -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // `rlim_t` is not the same type on each system.
    #[expect(clippy::useless_conversion, reason = "it is one only here")]
    let (soft, hard) = (u64::from(soft), u64::from(hard));
    if soft >= needed {
        return Some(soft);
    }
    let raised = needed.min(hard);
    Some(if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() { raised } else { soft })
}

#[cfg(not(unix))]
fn limit(_needed: u64) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_leaves_room_for_pairs_beside_what_else_is_open() {
        let most = |wanted, limit| most_of(wanted, limit).map(NonZeroUsize::get);
        assert_eq!(most(1000, 2024), None);
        assert_eq!(most(1000, 2023), Some(999));
        assert_eq!(most(1000, 1024), Some(500));
        assert_eq!(most(1000, 64), Some(20));
        assert_eq!((most(8, 40), most(8, 39)), (None, Some(7)));
        assert_eq!((limit_for(1000), limit_for(8)), (2024, 40), "just enough");
        assert_eq!((most(8, 3), most(1, 3), most(1, 26)), (Some(1), Some(1), None));
    }
}
