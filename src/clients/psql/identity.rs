//! Who a server is, through whatever door: asked on a connection of its own.
#![forbid(unsafe_code)]

use super::impact::part;
use crate::clients::ServerIdentity;

/// Makes the script; `token` must be random and of letters and digits only.
pub(super) fn script(token: &str) -> String {
    format!(
        "\\echo {token} identity\n\
         SELECT c.system_identifier, d.oid, pg_catalog.pg_is_in_recovery(), \
         pg_catalog.current_setting('server_version') \
         FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d \
         WHERE d.datname = pg_catalog.current_database()\n;\n\
         \\echo {token} end\n"
    )
}

/// Reads the answer; a server that does not let anybody ask is none.
pub(super) fn read(answer: &str, token: &str) -> Option<ServerIdentity> {
    let mut fields = part(answer, token, "identity")?.trim().split('|');
    let (system, database) = (fields.next()?, fields.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(system) || !is_number(database) {
        return None;
    }
    let is_replica = fields.next()? == "t";
    let version = fields.next()?.split(' ').next()?.to_owned();
    let id = format!("PostgreSQL {system}/{database}");
    Some(ServerIdentity { id, version, is_replica })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_tells() {
        let answer = |row: &str| format!("tok identity\n{row}\ntok end\n");
        let read = |answer: &str| read(answer, "tok");
        let known = ServerIdentity {
            id: "PostgreSQL 7412345678901234567/16384".to_owned(),
            version: "15.18".to_owned(),
            is_replica: true,
        };
        let row = "7412345678901234567|16384|t|15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(read(&answer(row)), Some(known));
        for torn in ["", "tok identity\n", &answer(""), &answer("7|1"), &answer("x|1|f|15")] {
            assert_eq!(read(torn), None, "{torn:?}");
        }
    }
}
