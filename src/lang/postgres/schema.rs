//! Statements about objects and rights: CREATE, ALTER, DROP, GRANT, REVOKE.

use squawk_syntax::SyntaxKind;

use super::reader::Reader;
use super::syntax::SyntaxNode;
use super::tree::{all_tokens, child, find, has_token, name, shown};
use crate::lang::{Class, Scope, Verb};

/// What stands beside the names in a DROP and names nothing that is dropped.
const BESIDE: &[SyntaxKind] = &[
    SyntaxKind::CASCADE,
    SyntaxKind::DROP_DATABASE_FORCE_CLAUSE,
    SyntaxKind::FOR_ROLES,
    SyntaxKind::IF_EXISTS,
    SyntaxKind::IN_SCHEMAS,
    SyntaxKind::ON_RELATION,
    SyntaxKind::ON_TABLE,
    SyntaxKind::RESTRICT,
    SyntaxKind::SERVER_CLAUSE,
    SyntaxKind::USING_METHOD,
];

/// Kinds of object that are created and altered with passwords.
const SECRETIVE: &[&str] =
    &["foreign data wrapper", "role", "server", "subscription", "system", "user", "user mapping"];

/// Types that hold whatever common type was there before, so that nothing is cut or rounded. What
/// becomes a `bigint` is an `int` nearly always; of a `numeric` it would round.
pub(super) const WIDE: &[&str] = &["bigint", "int8", "jsonb", "numeric", "text", "varchar"];

impl Reader<'_> {
    /// DROP of anything: one effect for each object.
    pub(super) fn drop(&mut self, node: &SyntaxNode) {
        if node.kind() == SyntaxKind::DROP_OWNED {
            for role in node.descendants().filter(|part| part.kind() == SyntaxKind::ROLE_REF) {
                let role_name = name(&role);
                let phrase = format!("drops everything {role_name} owns in this database");
                self.push(Class::Destroy, Verb::Drop, Some(role_name), Scope::All, &role, phrase);
            }
            return;
        }
        let what = kind_words(node);
        let cascades = child(node, &[SyntaxKind::CASCADE]).is_some();
        let on = child(node, &[SyntaxKind::ON_RELATION, SyntaxKind::ON_TABLE])
            .and_then(|on| on.children().next())
            .map(|on| format!(" on {}", name(&on)))
            .unwrap_or_default();
        let objects: Vec<SyntaxNode> = node
            .children()
            .filter(|part| !BESIDE.contains(&part.kind()))
            .take(if node.kind() == SyntaxKind::DROP_TRANSFORM { 1 } else { usize::MAX })
            .flat_map(|part| match is_list(part.kind()) {
                true => part.children().collect::<Vec<_>>(),
                false => vec![part],
            })
            .collect();
        let more = if cascades { " and what depends on it" } else { "" };
        for object in &objects {
            let named = format!("{}{on}", object_name(object));
            let phrase = format!("drops {what} {named}{more}");
            self.push(Class::Destroy, Verb::Drop, Some(named), Scope::All, object, phrase);
        }
        if objects.is_empty() {
            let phrase = format!("drops {what}{more}");
            self.push(Class::Destroy, Verb::Drop, None, Scope::All, node, phrase);
        }
    }

    /// CREATE: an addition, unless OR REPLACE overwrites; AS runs its query now.
    pub(super) fn create(&mut self, node: &SyntaxNode) {
        let what = kind_words(node);
        let object = object_of(node);
        let shown = object.as_deref().unwrap_or("").to_owned();
        let phrase = |does: &str| format!("{does} {what} {shown}").trim_end().to_owned();
        if child(node, &[SyntaxKind::OR_REPLACE]).is_some() {
            let phrase = phrase("creates or replaces");
            self.push(Class::Change, Verb::Replace, object, Scope::One, node, phrase);
        } else {
            self.push(Class::Add, Verb::Create, object, Scope::One, node, phrase("creates"));
        }
        if node.kind() == SyntaxKind::CREATE_RULE {
            self.rule(node, object_of(node).as_deref().unwrap_or(""));
        }
        const RUN_NOW: &[SyntaxKind] =
            &[SyntaxKind::CREATE_TABLE_AS, SyntaxKind::CREATE_MATERIALIZED_VIEW];
        if RUN_NOW.contains(&node.kind()) {
            self.query(node);
            if let Some(plan) = child(node, &[SyntaxKind::EXECUTE]) {
                self.statement(&plan);
            }
        }
    }

    /// A rule runs its actions by itself from now on: one that takes every row each time counts now.
    fn rule(&mut self, node: &SyntaxNode, rule: &str) {
        let before = self.effects.len();
        node.descendants().filter(|part| part.kind() != node.kind()).for_each(|action| {
            self.part(&action);
        });
        for mut effect in self.effects.split_off(before) {
            if effect.scope == Scope::All && effect.class >= Class::Change {
                effect.phrase = format!("rule {rule}, whenever it runs, {}", effect.phrase);
                effect.rows = None;
                self.effects.push(effect);
            }
        }
    }

    /// ALTER: one effect for each action.
    pub(super) fn alter(&mut self, node: &SyntaxNode) {
        let what = kind_words(node);
        let mut parts = node.children();
        let object = match node.kind() {
            SyntaxKind::ALTER_SYSTEM | SyntaxKind::ALTER_DEFAULT_PRIVILEGES => None,
            _ => parts.by_ref().find(|part| is_name(part.kind())),
        };
        let mut object = object.map(|object| object_name(&object));
        if let Some(on) = child(node, &[SyntaxKind::ON_RELATION, SyntaxKind::ON_TABLE])
            .and_then(|on| on.children().next())
        {
            object = object.map(|object| format!("{object} on {}", name(&on)));
        }
        let before = self.effects.len();
        for action in node.children() {
            self.action(&what, object.as_ref(), &action);
        }
        if self.effects.len() == before {
            let verb = match node.kind() {
                SyntaxKind::ALTER_SYSTEM => Verb::Admin,
                _ => Verb::Alter,
            };
            let phrase = match &object {
                Some(object) => format!("alters {what} {object}"),
                None => format!("alters {what}: {}", shown(node)),
            };
            self.push(Class::Change, verb, object, Scope::One, node, phrase);
        }
    }

    fn action(&mut self, what: &str, object: Option<&String>, action: &SyntaxNode) {
        use SyntaxKind as K;
        let table = object.map_or("?", String::as_str);
        let whole = format!("{what} {table}");
        let part = || action.children().find(|part| is_name(part.kind())).map(|part| name(&part));
        let named = || part().unwrap_or_else(|| "?".to_owned());
        let (class, verb, scope, phrase) = match action.kind() {
            K::ALTER_TYPE_ATTRIBUTE_ACTION_LIST | K::REVOKE_COMMAND_LIST => {
                for inner in action.children() {
                    self.action(what, object, &inner);
                }
                return;
            }
            K::DROP_COLUMN => {
                let phrase = format!("drops column {} of {whole}{}", named(), cascade(action));
                (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
            }
            K::DROP_ATTRIBUTE => {
                let phrase = format!("drops attribute {} of {whole}{}", named(), cascade(action));
                (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
            }
            K::DROP_CONSTRAINT => {
                let phrase = format!("drops constraint {} of {whole}{}", named(), cascade(action));
                (Class::Destroy, Verb::DropColumn, Scope::All, phrase)
            }
            K::DROP_MAPPING
            | K::DROP_VERTEX_TABLES
            | K::DROP_EDGE_TABLES
            | K::DROP_OP_CLASS_OPTIONS => {
                let phrase = format!("drops a part of {whole}: {}", shown(action));
                (Class::Destroy, Verb::Drop, Scope::All, phrase)
            }
            K::DETACH_PARTITION => {
                let phrase = format!("detaches partition {} from {whole}", named());
                (Class::Destroy, Verb::Detach, Scope::All, phrase)
            }
            K::NO_INHERIT | K::NO_INHERIT_TABLE => {
                let phrase =
                    format!("takes {whole} and its rows out of its parent: {}", shown(action));
                (Class::Destroy, Verb::Detach, Scope::All, phrase)
            }
            K::SKIP_SUBSCRIPTION => {
                let phrase = format!("skips a transaction of {whole}: {}", shown(action));
                (Class::Destroy, Verb::Admin, Scope::All, phrase)
            }
            K::ALTER_COLUMN | K::ALTER_ATTRIBUTE => {
                self.column(&whole, object, action);
                return;
            }
            K::ADD_COLUMN
            | K::ADD_CONSTRAINT
            | K::ADD_ATTRIBUTE
            | K::ADD_VALUE
            | K::ADD_PUBLICATION
            | K::ADD_PUBLICATION_OBJECTS
            | K::ADD_USERS
            | K::ADD_MAPPING
            | K::ADD_OP_CLASS_OPTIONS
            | K::ADD_VERTEX_TABLES
            | K::ADD_EDGE_TABLES
            | K::ADD_VERTEX_EDGE_TABLES
            | K::ALTER_EXTENSION_ADD
            | K::ATTACH_PARTITION
            | K::ATTACH_INDEX_PARTITION
            | K::INHERIT
            | K::INHERIT_TABLE
            | K::VALIDATE_CONSTRAINT => {
                let phrase = format!("adds to {whole}: {}", shown(action));
                (Class::Add, Verb::Alter, Scope::One, phrase)
            }
            K::GRANT_DEFAULT_PRIVILEGES => {
                let phrase = "grants default privileges".to_owned();
                (Class::Add, Verb::Grant, Scope::One, phrase)
            }
            K::REVOKE_DEFAULT_PRIVILEGES => {
                let phrase = "revokes default privileges".to_owned();
                (Class::Change, Verb::Revoke, Scope::Filtered, phrase)
            }
            K::SET_TABLESPACE | K::SET_LOGGED | K::SET_ACCESS_METHOD => {
                let phrase = format!("rewrites {whole}; others wait: {}", shown(action));
                (Class::Heavy, Verb::Rewrite, Scope::One, phrase)
            }
            K::ALL_IN_TABLESPACE => {
                let phrase = format!("moves a whole tablespace; others wait: {}", shown(action));
                (Class::Heavy, Verb::Rewrite, Scope::All, phrase)
            }
            K::SPLIT_PARTITION | K::MERGE_PARTITIONS => {
                let phrase = format!("rewrites partitions of {whole}: {}", shown(action));
                (Class::Change, Verb::AlterType, Scope::All, phrase)
            }
            K::RESET_CONFIG_PARAM if what == "system" => {
                let scope = if has_token(action, K::ALL_KW) { Scope::All } else { Scope::One };
                let phrase = format!("alters the server's configuration: {}", shown(action));
                (Class::Change, Verb::Admin, scope, phrase)
            }
            K::SET_CONFIG_PARAM if what == "system" => {
                let phrase = format!("alters the server's configuration: {}", shown(action));
                (Class::Change, Verb::Admin, Scope::One, phrase)
            }
            _ if first_word(action) == "rename" => {
                let phrase = format!("renames in {whole}: {}", shown(action));
                (Class::Change, Verb::Rename, Scope::One, phrase)
            }
            kind if is_name(kind) || BESIDE.contains(&kind) => return,
            _ => {
                // A phrase is stored and shown: these actions can hold a password.
                let phrase = match SECRETIVE.contains(&what) {
                    true => format!("alters {whole}"),
                    false => format!("alters {whole}: {}", shown(action)),
                };
                (Class::Change, Verb::Alter, Scope::One, phrase)
            }
        };
        self.push(class, verb, object.cloned(), scope, action, phrase);
    }

    /// ALTER COLUMN: a new type rewrites every row, and cuts or rounds unless it is a wide one.
    fn column(&mut self, whole: &str, object: Option<&String>, action: &SyntaxNode) {
        let column = action
            .children()
            .find(|part| is_name(part.kind()))
            .map_or_else(|| "?".to_owned(), |part| name(&part));
        let ty = find(action, &[SyntaxKind::SET_TYPE])
            .or_else(|| has_token(action, SyntaxKind::TYPE_KW).then(|| action.clone()));
        let (verb, scope, does) = match &ty {
            Some(ty) if is_wide(ty) => (Verb::AlterType, Scope::One, "changes the type of"),
            Some(_) => (Verb::AlterType, Scope::All, "rewrites every value of"),
            None => (Verb::Alter, Scope::One, "alters"),
        };
        let phrase = format!("{does} column {column} of {whole}: {}", shown(action));
        self.push(Class::Change, verb, object.cloned(), scope, action, phrase);
    }

    pub(super) fn grant(&mut self, node: &SyntaxNode) {
        let phrase = format!("grants: {}", shown(node));
        self.push(Class::Add, Verb::Grant, granted(node), Scope::One, node, phrase);
    }

    /// REVOKE: of everything in a schema it can take a whole application down at once.
    pub(super) fn revoke(&mut self, node: &SyntaxNode) {
        const WHOLE: &[SyntaxKind] = &[
            SyntaxKind::PRIVILEGE_ALL_FUNCTIONS_IN_SCHEMA,
            SyntaxKind::PRIVILEGE_ALL_PROCEDURES_IN_SCHEMA,
            SyntaxKind::PRIVILEGE_ALL_ROUTINES_IN_SCHEMA,
            SyntaxKind::PRIVILEGE_ALL_SEQUENCES_IN_SCHEMA,
            SyntaxKind::PRIVILEGE_ALL_TABLES_IN_SCHEMA,
        ];
        let scope = if find(node, WHOLE).is_some() { Scope::All } else { Scope::Filtered };
        let phrase = format!("revokes: {}", shown(node));
        self.push(Class::Change, Verb::Revoke, granted(node), scope, node, phrase);
    }

    /// REASSIGN OWNED: afterwards nobody can tell whose each object was.
    pub(super) fn reassign(&mut self, node: &SyntaxNode) {
        let role = find(node, &[SyntaxKind::ROLE_REF]).map(|role| name(&role));
        let shown = role.as_deref().unwrap_or("?");
        let phrase = format!("gives everything {shown} owns in this database to another role");
        self.push(Class::Change, Verb::Alter, role, Scope::All, node, phrase);
        self.effects.iter_mut().last().into_iter().for_each(|effect| effect.reversible = false);
    }
}

/// Returns the name of what is created, if it has one.
fn object_of(node: &SyntaxNode) -> Option<String> {
    node.children()
        .find(|part| is_name(part.kind()))
        // An index need not have a name; what follows is the table's.
        .filter(|part| node.kind() != SyntaxKind::CREATE_INDEX || part.kind() == SyntaxKind::INDEX)
        .map(|part| object_name(&part))
}

/// Returns the words that say what kind of object it is: `table`, `materialized view`.
fn kind_words(node: &SyntaxNode) -> String {
    const NOT_KIND: &[&str] = &[
        "alter",
        "concurrently",
        "create",
        "default",
        "drop",
        "global",
        "if",
        "local",
        "or",
        "procedural",
        "recursive",
        "trusted",
        "unique",
    ];
    let words: Vec<String> = node
        .children_with_tokens()
        .filter(|element| !element.kind().is_trivia())
        .skip_while(|element| {
            element.as_node().is_some_and(|node| {
                matches!(node.kind(), SyntaxKind::OR_REPLACE | SyntaxKind::TEMP)
            }) || element
                .as_token()
                .is_some_and(|token| NOT_KIND.contains(&token.text().to_ascii_lowercase().as_str()))
        })
        .map_while(|element| element.into_token())
        .map(|token| token.text().to_ascii_lowercase())
        .filter(|word| !NOT_KIND.contains(&word.as_str()))
        .take(3)
        .collect();
    let kind = words.join(" ");
    match words.iter().position(|word| matches!(word.as_str(), "for" | "on" | "(")) {
        Some(end) => words[..end].join(" "),
        None => kind,
    }
}

fn is_list(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::FUNCTION_SIG_LIST
            | SyntaxKind::OP_SIG_LIST
            | SyntaxKind::PROCEDURE_SIG_LIST
            | SyntaxKind::ROLE_REF_LIST
            | SyntaxKind::ROUTINE_SIG_LIST
            | SyntaxKind::TABLE_LIST
            | SyntaxKind::RELATION_LIST
    )
}

/// Returns whether a node is a name: the crate gives each kind of object its own.
fn is_name(kind: SyntaxKind) -> bool {
    let kind = format!("{kind:?}");
    let is_plain = matches!(
        kind.as_str(),
        "AGGREGATE"
            | "COLLATION"
            | "CONVERSION"
            | "DATABASE"
            | "DOMAIN"
            | "EVENT_TRIGGER"
            | "EXTENSION"
            | "FOREIGN_DATA_WRAPPER"
            | "FUNCTION_SIG"
            | "INDEX"
            | "LANGUAGE"
            | "LITERAL"
            | "NAMED_SCHEMA"
            | "AUTHORIZATION_SCHEMA"
            | "OP_SIG"
            | "PATH"
            | "PATH_REF"
            | "POLICY"
            | "PROCEDURE_SIG"
            | "PROPERTY_GRAPH"
            | "PUBLICATION"
            | "ROLE"
            | "ROUTINE_SIG"
            | "RULE"
            | "SCHEMA"
            | "SEQUENCE"
            | "SERVER"
            | "STATISTICS"
            | "SUBSCRIPTION"
            | "TABLESPACE"
            | "TEXT_SEARCH_CONFIGURATION"
            | "TEXT_SEARCH_DICTIONARY"
            | "TEXT_SEARCH_PARSER"
            | "TEXT_SEARCH_TEMPLATE"
            | "TRIGGER"
            | "USER_MAPPING_ROLE"
            | "VIEW"
    );
    is_plain || kind.ends_with("_NAME") || kind.ends_with("_REF")
}

/// A name where there is one, else the text: casts and operators have only that.
fn object_name(object: &SyntaxNode) -> String {
    match object.kind() {
        SyntaxKind::CAST_SIG | SyntaxKind::OP_SIG | SyntaxKind::PATH_TYPE => shown(object),
        _ => {
            // Without the types of a function's parameters, which are names as well.
            const BARE: &[SyntaxKind] = &[SyntaxKind::PATH, SyntaxKind::PATH_REF];
            find(object, BARE).map_or_else(|| name(object), |path| name(&path))
        }
    }
}

fn cascade(action: &SyntaxNode) -> &'static str {
    match child(action, &[SyntaxKind::CASCADE]) {
        Some(_) => " and what depends on it",
        None => "",
    }
}

fn first_word(node: &SyntaxNode) -> String {
    all_tokens(node).next().map(|token| token.text().to_ascii_lowercase()).unwrap_or_default()
}

fn is_wide(ty: &SyntaxNode) -> bool {
    const LIMITED: &[SyntaxKind] = &[SyntaxKind::USING_EXPR, SyntaxKind::ARG_LIST];
    let written: Vec<String> = all_tokens(ty)
        .map(|token| token.text().to_ascii_lowercase())
        .filter(|word| !matches!(word.as_str(), "set" | "data" | "type"))
        .collect();
    find(ty, LIMITED).is_none() && matches!(written.as_slice(), [one] if WIDE.contains(&&**one))
}

/// Returns the first object a GRANT or REVOKE is about.
fn granted(node: &SyntaxNode) -> Option<String> {
    let on = child(node, &[SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE])?;
    let refs = on.descendants().find(|part| format!("{:?}", part.kind()).ends_with("_REF"))?;
    Some(name(&refs))
}
