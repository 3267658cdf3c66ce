//! What the demonstration says, and what its database holds.

use std::path::Path;

/// What to do where the server cannot be made as the user we are.
pub(super) const AS_USER: &str = "Run it as an ordinary user, with some 60 MB free in TMPDIR. \
    Or see a verdict without any server:\n\
    echo 'delete from families;' | nightlatch check --client psql";

/// Makes the database.
pub(super) const FILL: &[&str] = &[
    "create database orders",
    "\\connect orders",
    "create table families (id int primary key, name text not null);
     create table members (
         id int primary key,
         family_id int not null references families on delete cascade,
         name text not null
     );
     insert into families select n, 'family ' || n from generate_series(1, 1000) as n;
     insert into members select n, 1 + n % 1000, 'member ' || n from generate_series(1, 3812) as n;
     create index on members (family_id);",
    "vacuum analyze",
];

/// Counts what is in it.
pub(super) const COUNT: &str =
    "select (select count(*) from families), (select count(*) from members)";

/// What it gives as long as nothing is lost.
pub(super) const UNTOUCHED: &str = "1000|3812";

/// The statement to try.
pub(super) const STATEMENT: &str = "delete from families;";

/// Said at once, because the server takes a moment.
pub(super) const BUILDING: &str =
    "nightlatch demo: starting a throw-away PostgreSQL server (Ctrl-C to leave) …\n";

/// Returns the configuration, in which whatever is in this folder is production; `zone` is that of
/// the person's own, so that all that is shown has one clock.
pub(super) fn config(folder: &Path, zone: Option<&str>) -> String {
    let zone = zone.map(|zone| format!("timezone = \"{zone}\"\n")).unwrap_or_default();
    format!(
        "# What nightlatch demo runs with. Of your own configuration only the time zone counts.\n\
         [[target]]\n\
         name = \"orders-demo\"\n\
         tier = \"production\"\n\
         match = [\"{}\"]\n\
         \n\
         [hours]\n\
         # At night production also asks for a reason and ten seconds; not here.\n\
         late = \"off\"\n\
         weekends = false\n\
         {zone}",
        folder.display()
    )
}

/// Says what this is and what to try.
pub(super) fn intro(folder: &Path) -> String {
    format!(
        "\n\
         This is psql on a server of your own: in {}, without a network\n\
         port, and removed when you leave. nightlatch takes it for production. Its database has\n\
         1,000 families and 3,812 members, who are deleted along with their family. Try:\n\
         \n\
         \x20 delete from families;    it is held: press Enter, and it does not run\n\
         \x20 delete from families;    once more: type orders and Enter, and it runs\n\
         \x20 \\q                       leave: what you did is listed, and all is removed\n\
         \n",
        folder.display()
    )
}

/// Says what is shown where there is no terminal.
pub(super) fn intro_without_terminal(folder: &Path) -> String {
    format!(
        "\n\
         There is no terminal here, so this shows a script that nobody watches, on a server that\n\
         nightlatch takes for production (in {}):\n\
         \n\
         $ nightlatch psql -d orders -c '{STATEMENT}'\n",
        folder.display()
    )
}

/// Says that the statement did nothing.
pub(super) const REFUSED: &str = "\n\
    Exit status 125: it was refused before it ran. All 1,000 families and 3,812 members are\n\
    still there. On a terminal, nightlatch asks instead.\n";

/// Stands above the list of statements.
pub(super) const HISTORY: &str = "\n$ nightlatch history\n";

/// Says what is left, and how to go on.
pub(super) fn outro(folder: &Path, stays: bool) -> String {
    let left = if stays {
        format!(
            "The server is stopped. Its folder is kept: {0}\n\
             Its recording: NIGHTLATCH_DATA_DIR={0}/data nightlatch history",
            folder.display()
        )
    } else {
        format!("The server is stopped and {} is removed.", folder.display())
    };
    format!(
        "\n{left}\nYour own databases next: nightlatch psql, with the arguments you give psql.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let folder = Path::new("/tmp/nightlatch-demo-x7q2mb");
        insta::assert_snapshot!(intro(folder), @r"

        This is psql on a server of your own: in /tmp/nightlatch-demo-x7q2mb, without a network
        port, and removed when you leave. nightlatch takes it for production. Its database has
        1,000 families and 3,812 members, who are deleted along with their family. Try:

          delete from families;    it is held: press Enter, and it does not run
          delete from families;    once more: type orders and Enter, and it runs
          \q                       leave: what you did is listed, and all is removed
        ");
        insta::assert_snapshot!(intro_without_terminal(folder), @r"

        There is no terminal here, so this shows a script that nobody watches, on a server that
        nightlatch takes for production (in /tmp/nightlatch-demo-x7q2mb):

        $ nightlatch psql -d orders -c 'delete from families;'
        ");
        insta::assert_snapshot!(outro(folder, false), @r"

        The server is stopped and /tmp/nightlatch-demo-x7q2mb is removed.
        Your own databases next: nightlatch psql, with the arguments you give psql.
        ");
        insta::assert_snapshot!(outro(folder, true), @r"

        The server is stopped. Its folder is kept: /tmp/nightlatch-demo-x7q2mb
        Its recording: NIGHTLATCH_DATA_DIR=/tmp/nightlatch-demo-x7q2mb/data nightlatch history
        Your own databases next: nightlatch psql, with the arguments you give psql.
        ");
    }

    #[test]
    fn the_configuration_names_the_socket_and_is_never_late() {
        insta::assert_snapshot!(config(Path::new("/tmp/nightlatch-demo-x7q2mb/pg"), Some("Europe/Berlin")), @r#"
        # What nightlatch demo runs with. Of your own configuration only the time zone counts.
        [[target]]
        name = "orders-demo"
        tier = "production"
        match = ["/tmp/nightlatch-demo-x7q2mb/pg"]

        [hours]
        # At night production also asks for a reason and ten seconds; not here.
        late = "off"
        weekends = false
        timezone = "Europe/Berlin"
        "#);
    }
}
