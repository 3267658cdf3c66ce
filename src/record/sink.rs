//! Where the log's bytes go: a file with a reserve, or whatever disk a test needs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Kept free for statements: when the disk is full, output is lost first.
const RESERVE_BYTES: usize = 1 << 20;

/// The name of the reserve beside the log.
const RESERVE_NAME: &str = "reserve";

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
}

/// A session log on a real disk.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    reserve: PathBuf,
    is_reserved: bool,
    is_folder_synced: bool,
}

impl FileSink {
    /// Makes the log, which must not exist yet, with mode 0600.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        let reserve = path.with_file_name(RESERVE_NAME);
        Ok(Self { file, reserve, is_reserved: false, is_folder_synced: false })
    }
}

impl Sink for FileSink {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.is_folder_synced {
            if let Some(folder) = self.reserve.parent() {
                File::open(folder)?.sync_all()?;
            }
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
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&self.reserve)?;
        // Written, not only sized: a sparse file reserves nothing. No zeros: some file systems
        // store those as a hole.
        let page = [0xa5; 64 << 10];
        for _ in 0..RESERVE_BYTES / page.len() {
            if let Err(error) = file.write_all(&page) {
                self.release();
                return Err(error);
            }
        }
        self.is_reserved = true;
        Ok(())
    }

    fn release(&mut self) {
        self.is_reserved = false;
        // A reserve that cannot be removed stays: there is nothing better to do with it.
        drop(fs::remove_file(&self.reserve));
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.release();
    }
}
