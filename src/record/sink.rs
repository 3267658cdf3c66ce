//! Where the log's bytes go: a file with a reserve, or whatever disk a test needs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::folder::{LOG_NAME, NewFolder};
use super::live::Live;
use super::packer::Packer;
use super::segment::{self, Form, RESERVE_NAME, SEGMENT_BYTES};
use crate::target::Target;

/// Kept free for statements: when the disk is full, output is lost first.
const RESERVE_BYTES: usize = 1 << 20;

/// The disk as the writer sees it.
pub trait Sink: Send {
    /// Appends all of `bytes`; after an error any part of them may have been written.
    ///
    /// # Errors
    ///
    /// What the system said.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    ///
    /// What the system said.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the log back to `len` bytes, after a write that failed.
    ///
    /// # Errors
    ///
    /// What the system said.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Takes room that later statements can have; does nothing if it is taken.
    ///
    /// # Errors
    ///
    /// What the system said.
    fn reserve(&mut self) -> io::Result<()>;

    /// Gives that room up.
    fn release(&mut self);

    /// Ends the segment that is being written and begins the next with `head`. Not all disks can:
    /// false if nothing has changed.
    ///
    /// # Errors
    ///
    /// What the system said; nothing has changed then either.
    fn rotate(&mut self, _head: &[u8]) -> io::Result<bool> {
        Ok(false)
    }

    /// Returns how long a segment may become.
    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES
    }

    /// Takes note of where the session is from now on.
    fn at(&mut self, _target: &Target) {}

    /// Takes note that the log is whole: its last event says how the session ended.
    fn end(&mut self) {}
}

/// A session log on a real disk.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    folder: PathBuf,
    /// The number of the segment that is being written.
    n: u32,
    packer: Option<Packer>,
    /// What the session may take on the disk.
    max_bytes: u64,
    /// Says that the session runs; none if it could not be marked.
    live: Option<Live>,
    is_reserved: bool,
    is_folder_synced: bool,
}

impl FileSink {
    /// Makes the log of a new session, with mode 0600 and `head` in it. `data_dir` is where the
    /// session is marked as running.
    ///
    /// # Errors
    ///
    /// What the system said; the folder is gone then.
    pub(super) fn create(
        data_dir: &Path,
        new: &NewFolder,
        head: &[u8],
        max_bytes: u64,
    ) -> io::Result<Self> {
        // First, so that whoever finds the folder finds the marker.
        let live = Live::mark(data_dir, &new.session, &new.path).ok();
        let hidden = new.hidden.join(LOG_NAME);
        let made =
            segment::private().append(true).create_new(true).open(&hidden).and_then(|mut file| {
                file.write_all(head)?;
                new.show()?;
                Ok(file)
            });
        match made {
            Ok(file) => Ok(Self {
                file,
                folder: new.path.clone(),
                n: 1,
                packer: None,
                max_bytes,
                live,
                is_reserved: false,
                is_folder_synced: false,
            }),
            Err(error) => {
                // What is left behind is no session; that it cannot be removed is no news either.
                drop(fs::remove_file(&hidden));
                drop(fs::remove_dir(&new.hidden));
                if let Some(live) = live {
                    live.end();
                }
                Err(error)
            }
        }
    }

    fn reserve_path(&self) -> PathBuf {
        self.folder.join(RESERVE_NAME)
    }

    /// Gives a finished segment to the packer, which is started for the first.
    fn pack(&mut self, n: u32) {
        if self.packer.is_none() {
            self.packer = Packer::start(self.folder.clone(), self.max_bytes).ok();
        }
        if let Some(packer) = &self.packer {
            packer.pack(n);
        }
    }
}

impl Sink for FileSink {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            // It would be written to where nobody finds it.
            return Err(io::Error::new(io::ErrorKind::NotFound, "the log was removed"));
        }
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.is_folder_synced {
            File::open(&self.folder)?.sync_all()?;
            self.is_folder_synced = true;
        }
        self.file.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn reserve(&mut self) -> io::Result<()> {
        if self.is_reserved {
            return Ok(());
        }
        let mut options = segment::private();
        let mut file = options.write(true).create(true).truncate(true).open(self.reserve_path())?;
        // Written, not only sized: a sparse file reserves nothing. No zeros: some file systems
        // store those as a hole.
        let page = [0xa5; 64 << 10];
        for _ in 0..RESERVE_BYTES / page.len() {
            match file.write_all(&page) {
                Ok(()) => {}
                // As much as a file may have here; the disk itself has room.
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => break,
                Err(error) => {
                    self.release();
                    return Err(error);
                }
            }
        }
        self.is_reserved = true;
        Ok(())
    }

    fn release(&mut self) {
        self.is_reserved = false;
        // A reserve that cannot be removed stays: there is nothing better to do with it.
        drop(fs::remove_file(self.reserve_path()));
    }

    fn rotate(&mut self, head: &[u8]) -> io::Result<bool> {
        let (live, next) = (self.folder.join(LOG_NAME), segment::next_path(&self.folder));
        let finished = segment::path(&self.folder, self.n, Form::Plain);
        // A file that an earlier try left behind is begun anew.
        drop(fs::remove_file(&next));
        let mut file = segment::private().append(true).create_new(true).open(&next)?;
        let rotated = file.write_all(head).and_then(|()| fs::rename(&live, &finished));
        if let Err(error) = rotated {
            drop(fs::remove_file(&next));
            return Err(error);
        }
        if let Err(error) = fs::rename(&next, &live) {
            // The old one is found by readers under its new name too, should this fail as well.
            drop(fs::rename(&finished, &live));
            return Err(error);
        }
        self.file = file;
        self.is_folder_synced = false;
        self.pack(self.n);
        self.n += 1;
        Ok(true)
    }

    fn segment_bytes(&self) -> u64 {
        segment::bytes_for(self.max_bytes)
    }

    fn at(&mut self, target: &Target) {
        if let Some(live) = &mut self.live {
            live.at(target);
        }
    }

    fn end(&mut self) {
        if let Some(live) = self.live.take() {
            live.end();
        }
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.release();
    }
}
