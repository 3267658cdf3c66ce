//! Why something is not recorded.

use std::io;
use std::path::PathBuf;

/// Why a recording did not start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A folder could not be made.
    #[error("cannot make the folder {}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log could not be made or its first line not be written.
    #[error("cannot write the session log {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the recorder's thread")]
    Thread(#[source] io::Error),
}

impl RecordError {
    /// Returns what the system said.
    #[must_use]
    pub fn into_cause(self) -> io::Error {
        match self {
            Self::Folder { source, .. } | Self::File { source, .. } | Self::Thread(source) => {
                source
            }
        }
    }
}

/// Why an intent is not known to be on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// The disk has not answered in time. It is written later if the disk recovers.
    #[error("the disk does not answer")]
    TimedOut,
    /// The disk refused it. It is written later if the disk recovers.
    #[error("{0}")]
    Refused(String),
    /// The writer is gone.
    #[error("the recorder has stopped")]
    Stopped,
}
