//! MySQL, MariaDB.
#![no_main]

use nightlatch::lang::sql::{self, Ends, Flavour};

nightlatch_fuzz::target!(
    |text| sql::read(text, Flavour::Mysql, Ends::Client),
    |text| sql::split(text, Flavour::Mysql, Ends::Client)
);
