//! Real versions of mongosh on a real pty, against a server that logs what arrives: what is refused
//! has not arrived.

mod doors;
mod forms;
mod held;
mod looks;
mod places;
mod record;
mod scripts;
mod stage;
