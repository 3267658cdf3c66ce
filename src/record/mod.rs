//! The session log: an append-only asciicast v3 file, written by a thread of its own or, where no
//! person types, by the relay.
#![forbid(unsafe_code)]

pub mod badly;
pub mod course;
mod damage;
mod desk;
mod encode;
pub mod event;
mod fault;
pub mod find;
mod folder;
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
pub use fault::{NotRecorded, RecordError};
pub use folder::new_session_id;
pub use header::{Header, Start};
pub use late::Answers;
pub use live::elsewhere;
pub use log::Log;
pub use read::{Event, ReadError, Reader};
pub use recorder::Recorder;
pub use repair::End;
pub use shared::{Durability, Written};
pub use sink::{FileSink, Sink};
pub use writer::is_full;
