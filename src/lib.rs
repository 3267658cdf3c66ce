//! nightlatch runs a database client as it is, records everything, knows production, and holds
//! destructive statements until a person confirms. `ARCHITECTURE.md` has the picture.

pub mod cli;
pub mod clients;
pub mod clock;
pub mod cmd;
pub mod config;
pub mod error;
pub mod glass;
pub mod here;
pub mod lang;
pub mod looks;
pub mod notify;
pub mod os;
pub mod policy;
pub mod record;
pub mod redact;
pub mod relay;
pub mod render;
pub mod screen;
pub mod search;
pub mod servers;
pub mod session;
pub mod store;
pub mod tap;
pub mod target;
pub mod ui;
pub mod world;
