//! PostgreSQL.
#![no_main]

use nightlatch::lang::postgres;

nightlatch_fuzz::target!(postgres::read, postgres::split);
