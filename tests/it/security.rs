//! What somebody tries who may change files but not commands: in a pull request, or on the same machine.
//!
//! `docs/security.md` has the list of threats, and names the tests here and elsewhere that each of them is held to.

mod disk;
#[cfg(unix)]
mod journal;
#[cfg(unix)]
mod links;
