//! What every scenario stands on: a terminal, a world to be alone in, and a PostgreSQL server.

pub(crate) mod bus;
pub(crate) mod http;
pub(crate) mod mariadb;
pub(crate) mod mongo;
pub(crate) mod mongosh;
pub(crate) mod past;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod psql;
pub(crate) mod pty;
pub(crate) mod python;
pub(crate) mod recorded;
pub(crate) mod redis;
pub(crate) mod screen;
pub(crate) mod sshd;
pub(crate) mod tmux;
pub(crate) mod tool;
pub(crate) mod world;

use std::time::Duration;

/// How long anything may take before it counts as never: generous, because machines that run
/// tests are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
