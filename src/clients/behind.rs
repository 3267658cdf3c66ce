//! A client behind another program, which no guard reaches: `sudo -u postgres psql`,
//! `docker exec -it db psql`, `kubectl exec -it db-0 -- psql`, `ssh -t db1 'psql orders'`.

use super::kubectl;
use super::launcher::{Command, Decide};
use crate::target::{Address, Decided, Evidence, Known, Strength, for_address};
use crate::world::World;

/// Programs that run others on this machine: the client connects as it would by itself.
const HERE: &[&str] = &[
    "bash", "chrt", "doas", "env", "ionice", "nice", "nohup", "runuser", "setsid", "sh", "stdbuf",
    "strace", "su", "sudo", "time", "timeout", "unshare", "zsh",
];

/// Programs that run others in a cluster.
const CLUSTER: &[&str] = &["kubectl", "oc"];

/// Where such a command line changes from the program to the client.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    /// The program and its own words.
    before: Vec<String>,
    /// The client's words, its name left out.
    client: Vec<String>,
}

/// Returns a command line that starts a client by another program, the program's name first; none
/// where the program is the client itself. `is_client` tells a client's name.
#[must_use]
pub fn words(command: &Command<'_>, is_client: fn(&str) -> bool) -> Option<Vec<String>> {
    let program = base(&command.program.to_string_lossy()).to_owned();
    let words: Vec<String> = std::iter::once(program).chain(command.words()).collect();
    (!is_client(&words[0]) && split(&words, is_client).is_some()).then_some(words)
}

/// Decides where the client of such a command line would connect: `own` decides it for the client by
/// itself. Beyond this machine a client that names no host is where the program leads.
///
/// # Errors
/// A phrase where the client would refuse its words.
pub fn decide(
    (own, is_client): (Decide, fn(&str) -> bool),
    words: &[String],
    world: &World,
    known: &Known<'_>,
) -> Result<Vec<Decided>, String> {
    let Some(Parts { before, client }) = split(words, is_client) else {
        return own(words, world, known);
    };
    let program = before[0].as_str();
    if HERE.contains(&program) {
        return own(&client, world, known);
    }
    // Nothing of our world reaches it there.
    let there = World::default();
    let nothing = own(&[], &there, known)?;
    let (told, speaking) = match own(&client, &there, known) {
        Ok(told) => (told, &before[1..]),
        // They are the program's own: `heroku pg:psql --app shop-prod`.
        Err(_) => (nothing.clone(), &words[1..]),
    };
    let address =
        |all: &[Decided]| all.first().map(|first| first.target.address.clone()).unwrap_or_default();
    let all = match address(&told) {
        here if here.host != address(&nothing).host => told,
        _ if CLUSTER.contains(&program) => kubectl::decide(&before[1..], world, known)?,
        here => {
            let leads = |word: &&String| !word.starts_with('-');
            let host = before[1..].iter().rev().find(leads).cloned();
            vec![for_address(&Address { host, ..here }, known)]
        }
    };
    let says = |word: &String| Evidence::in_name(word, Strength::Name, "the command line");
    let evidence: Vec<Evidence> = speaking.iter().filter_map(says).collect();
    Ok(all.into_iter().map(|decided| decided.also(evidence.clone())).collect())
}

/// Splits a command line at the client's name, which may stand in a word of several: what `su -c` and
/// ssh hand to a shell.
fn split(words: &[String], is_client: fn(&str) -> bool) -> Option<Parts> {
    let is_name = |word: &str| is_client(base(word));
    words.iter().enumerate().skip(1).find_map(|(at, word)| {
        let mut inner = word.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
        inner.find(|word| is_name(word))?;
        let client = inner.map(str::to_owned).chain(words[at + 1..].iter().cloned()).collect();
        Some(Parts { before: words[..at].to_vec(), client })
    })
}

/// Returns the last part of a program's name: `/usr/bin/psql`, and `pg:psql` of Heroku's client.
fn base(word: &str) -> &str {
    word.rsplit(['/', ':']).next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::clients::known::by_name;
    use crate::os::term::Terminals;
    use crate::target::Tier;

    fn is_psql(name: &str) -> bool {
        name == "psql"
    }

    fn line(line: &[&str]) -> Vec<String> {
        line.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn another_program_names_the_client() {
        let world = World::default();
        let found = |program: &str, args: &[&str]| {
            let args: Vec<_> = args.iter().map(Into::into).collect();
            let terminals = Terminals { stdin: true, stdout: true, stderr: true };
            let program = Path::new(program);
            words(&Command { args: &args, terminals, program, world: &world }, is_psql)
        };
        let sudo = line(&["sudo", "-u", "postgres", "psql"]);
        assert_eq!(found("/usr/bin/sudo", &["-u", "postgres", "psql"]), Some(sudo));
        assert!(found("/bin/su", &["postgres", "-c", "exec /usr/bin/psql -h a"]).is_some());
        assert!(found("heroku", &["pg:psql", "-a", "shop"]).is_some());
        // A database of the name, and one of our own kind under another name.
        assert_eq!(found("/usr/bin/psql", &["psql"]), None);
        assert_eq!(found("my-own", &["orders"]), None);
    }

    #[test]
    fn the_client_is_where_the_program_leads_to() {
        let own = by_name("psql").expect("known").decide;
        for (words, expected) in [
            (&["sudo", "-u", "postgres", "psql", "orders"][..], Tier::Development),
            (&["su", "postgres", "-c", "psql -h db1.prod.example.com"], Tier::Production),
            (&["ssh", "-t", "db1.prod.example.com", "psql"], Tier::Production),
            (&["ssh", "-t", "jump", "psql -h db1.prod.example.com orders"], Tier::Production),
            (&["docker", "exec", "-it", "orders-prod-db", "psql", "-U", "app"], Tier::Production),
            (&["docker", "exec", "-it", "orders", "psql", "-U", "app"], Tier::Unknown),
            (&["kubectl", "exec", "--context=prod", "-it", "pg-0", "--", "psql"], Tier::Production),
            (&["heroku", "pg:psql", "--app", "orders-prod"], Tier::Production),
        ] {
            let decided =
                decide((own, is_psql), &line(words), &World::default(), &Known::default());
            let tier = decided.expect("read").first().map(|decided| decided.target.tier);
            assert_eq!(tier, Some(expected), "{words:?}");
        }
    }
}
