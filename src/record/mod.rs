//! The session log: an append-only asciicast v3 file, written by a thread of its own or, where no
//! person types, by the relay.
#![forbid(unsafe_code)]

pub mod badly;
pub mod course;
mod damage;
mod desk;
mod encode;
pub mod event;
pub mod find;
mod header;
pub mod imported;
mod late;
mod live;
mod log;
mod packer;
pub mod process;
pub mod prune;
pub mod read;
mod recorder;
#[cfg(test)]
mod recorder_test;
mod repair;
mod segment;
mod shared;
mod sink;
mod thin;
pub mod tidy;
mod writer;

pub use event::{Answer, Marker, Release, ServerMoment, Source, Standing};
pub use header::{Header, new_session_id};
pub use late::Answers;
pub use live::elsewhere;
pub use log::Log;
pub use read::{Event, ReadError, Reader, Start};
pub use recorder::{Durability, NotRecorded, RecordError, Recorder};
pub use repair::End;
pub use shared::Written;
pub use sink::{FileSink, Sink};
pub use writer::is_full;
