//! The protocol that hooks inside a client speak with us: JSON lines over a unix socket.
//!
//! A hook tells each statement before it runs and each destructive operation before it is sent,
//! and waits for the answer. It is the same for every client; what a hook must do is in
//! [`protocol`].
#![forbid(unsafe_code)]

mod deed;
pub mod protocol;
mod server;

pub use deed::{reading, text};
pub use protocol::{
    Answer, Command, Ending, Lease, Login, Message, Operation, Place, Started, Statement,
};
pub use server::{Asker, Heard, Server};
