//! nightlatch runs a database client as it is, records everything, knows production, and holds
//! destructive statements until a person confirms. `ARCHITECTURE.md` has the picture.

pub mod clients;
pub mod clock;
pub mod error;
pub mod lang;
pub mod policy;
pub mod record;
pub mod screen;
pub mod target;
pub mod world;
