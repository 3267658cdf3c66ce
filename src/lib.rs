//! nightlatch runs a database client as it is, records everything, knows production, and holds
//! destructive statements until a person confirms. `ARCHITECTURE.md` has the picture.

pub mod clients;
pub mod clock;
pub mod config;
pub mod error;
pub mod lang;
pub mod os;
pub mod policy;
pub mod record;
pub mod redact;
pub mod session;
pub mod target;
pub mod ui;
pub mod world;
