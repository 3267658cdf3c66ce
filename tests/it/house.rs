//! The house laws: what every file of the project keeps to.
