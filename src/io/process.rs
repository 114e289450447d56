//! This process as others on the machine see it.
//!
//! Keys and tokens are in its memory and environment. A core dump would write them to a disk, and another process of the same
//! user could read them from `/proc` or attach to this one.

/// Asks the system for no core dumps and, on Linux, for no other process of this user to look into this one. A system that
/// doesn't have that goes on without.
pub fn keep_memory_private() {
    #[cfg(unix)]
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}
