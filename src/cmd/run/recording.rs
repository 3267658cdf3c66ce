//! Where a session is recorded: whether the disk there answers is found out before anything of the
//! session touches it, and where nothing can be recorded yet, that is said.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::say;
use crate::clock::Clock;
use crate::os::disk::Question;
use crate::record::{Header, Recorder, is_full};

/// The data folder, and the question whether its disk answers.
pub(super) struct Disk {
    folder: PathBuf,
    /// None where the system has no process left to ask with.
    question: Option<Question>,
}

impl Disk {
    /// Asks, and goes on meanwhile.
    pub(super) fn ask(folder: PathBuf) -> Self {
        let question = Question::ask(&folder).ok();
        Self { folder, question }
    }
}

/// What is recorded, and where what else is kept.
#[derive(Default)]
pub(super) struct Recording {
    pub(super) recorder: Option<Recorder>,
    /// The data folder, if it can be touched.
    pub(super) data_dir: Option<PathBuf>,
}

impl Recording {
    /// Begins the recording, or says that there is none yet. A disk has so long to answer.
    pub(super) fn begin(
        disk: Option<Disk>,
        header: &Header,
        clock: Clock,
        max_bytes: u64,
        wait: Duration,
    ) -> Self {
        let Some(Disk { folder, question }) = disk else {
            say("recording is off: there is no home folder; set NIGHTLATCH_DATA_DIR");
            return Self::default();
        };
        let late = |why: &io::Error, answers| {
            Some(Recorder::late(&folder, header, clock, max_bytes, why, answers))
        };
        if let Some(question) = question
            && !question.is_answered(wait)
        {
            say(&format!(
                "recording is off, what you do is not recorded: the disk of {} does not answer \
                 (nightlatch goes on without it, and records once it does; look at the disk, or set \
                 NIGHTLATCH_DATA_DIR to another)",
                folder.display()
            ));
            let why = io::Error::new(io::ErrorKind::TimedOut, "the disk did not answer");
            let recorder = late(&why, Box::new(move || question.is_answered(Duration::ZERO)));
            return Self { recorder, data_dir: None };
        }
        let recorder = match Recorder::open(&folder, header, clock, max_bytes) {
            Ok(recorder) => Some(recorder),
            Err(error) => {
                let what = error.to_string();
                let why = error.into_cause();
                let remedy = if is_full(&why) { "free some space" } else { "make it writable" };
                say(&format!(
                    "recording is off, what you do is not recorded: {what}: {why} ({remedy}, and it \
                     begins, or set NIGHTLATCH_DATA_DIR)"
                ));
                late(&why, Box::new(|| true))
            }
        };
        Self { recorder, data_dir: Some(folder) }
    }
}
