//! Files: plans in (bounded, and only what is a file), reports out (atomically).

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{MAX_PLAN_BYTES, ReadError, STDIN_NAME, read_if_there, read_plan_files, read_text, read_text_inside};
pub(in crate::io) use write::write_error;
pub use write::{
    Parents, WriteError, append_up_to, check_writable, create_private_dir, open_stream, remove_if_there, stream_atomic,
    stream_error, write_atomic,
};
