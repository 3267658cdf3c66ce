//! Real Pythons, real drivers, real servers: what is refused has not arrived.

mod alike;
mod background;
mod deleted_by;
mod demo;
mod drivers;
mod held;
mod looks;
mod ordinary;
mod orms;
mod record;
mod shells;
mod stage;
mod statements;
mod tabs;
mod temporary;
mod unguarded;
mod ways_out;
mod web;
