//! What a person sees.

pub mod table;
