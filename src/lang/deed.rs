//! What is done to a store without SQL, in the words of the policy table: one verb, one object.

use super::{Class, Effect, Scope, Verb};

/// Makes the effect of a verb on an object; none is the whole database, `keys` any keys.
#[must_use]
pub fn effect(verb: Verb, object: Option<&str>, scope: Scope) -> Effect {
    let mut effect = Effect::new(class(verb), verb, 0..0, phrase(verb, object, scope));
    effect.object = object.map(str::to_owned);
    effect.scope = scope;
    effect
}

/// Which row of the table a verb of a store without SQL belongs to. What is not known to be mild
/// is not taken to be.
fn class(verb: Verb) -> Class {
    match verb {
        Verb::Read => Class::Read,
        Verb::Session => Class::Session,
        Verb::Insert | Verb::Create | Verb::Alter | Verb::Grant => Class::Add,
        Verb::Lock | Verb::Rewrite => Class::Heavy,
        Verb::Update | Verb::Replace | Verb::Revoke | Verb::Rename | Verb::AlterType => {
            Class::Change
        }
        Verb::Delete => Class::Remove,
        Verb::Truncate | Verb::Drop | Verb::DropColumn | Verb::Detach | Verb::Admin => {
            Class::Destroy
        }
        Verb::Execute => Class::Opaque,
        Verb::Shell | Verb::Unguard => Class::Escape,
    }
}

fn phrase(verb: Verb, object: Option<&str>, scope: Scope) -> String {
    let of = object.map_or_else(|| "the whole database".to_owned(), str::to_owned);
    let in_it = object.map_or_else(String::new, |object| format!(" of {object}"));
    let (does, what) = match verb {
        Verb::Drop => return format!("drops {of}"),
        Verb::Truncate => return format!("empties {of}"),
        Verb::Rename => return format!("renames {of}"),
        Verb::Delete => ("deletes", "documents"),
        Verb::Update => ("updates", "documents"),
        Verb::Replace => ("overwrites", "documents"),
        Verb::Read
        | Verb::Session
        | Verb::Insert
        | Verb::Create
        | Verb::Alter
        | Verb::Grant
        | Verb::Lock
        | Verb::Rewrite
        | Verb::Revoke
        | Verb::AlterType
        | Verb::DropColumn
        | Verb::Detach
        | Verb::Admin
        | Verb::Execute
        | Verb::Shell
        | Verb::Unguard => return format!("acts on {of}"),
    };
    let is_keys = object == Some("keys");
    let (what, in_it) = if is_keys { ("keys", String::new()) } else { (what, in_it) };
    match scope {
        Scope::One => format!("{does} a {}{in_it}", what.trim_end_matches('s')),
        Scope::Filtered => format!("{does} {what}{in_it} that match"),
        Scope::Unknown => format!("{does} {what}{in_it}, nobody knows how many"),
        Scope::All => format!("{does} all {what}{in_it}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_in_words() {
        let on = Some("app.families");
        let all = [
            (Verb::Delete, on, Scope::One),
            (Verb::Delete, on, Scope::Filtered),
            (Verb::Delete, on, Scope::All),
            (Verb::Update, on, Scope::Unknown),
            (Verb::Replace, on, Scope::All),
            (Verb::Drop, on, Scope::All),
            (Verb::Truncate, None, Scope::All),
            (Verb::Delete, Some("keys"), Scope::One),
            (Verb::Admin, None, Scope::All),
        ];
        let told = all.map(|(verb, object, scope)| effect(verb, object, scope).phrase);
        insta::assert_snapshot!(told.join("\n"), @r"
        deletes a document of app.families
        deletes documents of app.families that match
        deletes all documents of app.families
        updates documents of app.families, nobody knows how many
        overwrites all documents of app.families
        drops app.families
        empties the whole database
        deletes a key
        acts on the whole database
        ");
    }
}
