//! One statement's tree to effects: the dispatch over kinds of statement.

use std::ops::Range;

use squawk_syntax::SyntaxKind;

use super::expression::is_expression;
use super::function::{self, Deed};
use super::syntax::SyntaxNode;
use super::tree::{Place, all_tokens, child, find, has_token, name, shown};
use crate::lang::{Class, Effect, Rows, Scope, Verb};

/// How many texts within texts are read: a DO in a DO, an EXECUTE of a constant in that.
const MAX_NESTING: usize = 4;

/// Settings that let what is broken be written, or keys and triggers be passed over, and the values
/// that do.
const GUARDS: &[(&str, &[&str])] = &[
    ("allow_system_table_mods", ON),
    ("ignore_checksum_failure", ON),
    ("session_replication_role", &["replica"]),
    ("zero_damaged_pages", ON),
];

const ON: &[&str] = &["1", "on", "true", "yes"];

/// Collects the effects of one tree.
pub(super) struct Reader<'a> {
    pub(super) place: Place<'a>,
    pub(super) effects: Vec<Effect>,
    /// What could not be read of a body or an inner text, and that text.
    pub(super) unread: Vec<String>,
    pub(super) nesting: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(place: Place<'a>, nesting: usize) -> Self {
        Self { place, effects: Vec::new(), unread: Vec::new(), nesting }
    }

    /// Reads one statement.
    pub(super) fn statement(&mut self, node: &SyntaxNode) {
        let before = (self.effects.len(), self.unread.len());
        match node.kind() {
            SyntaxKind::SELECT
            | SyntaxKind::COMPOUND_SELECT
            | SyntaxKind::PAREN_SELECT
            | SyntaxKind::SELECT_INTO
            | SyntaxKind::VALUES
            | SyntaxKind::TABLE
            | SyntaxKind::DELETE
            | SyntaxKind::UPDATE
            | SyntaxKind::INSERT
            | SyntaxKind::MERGE => self.query(node),
            SyntaxKind::EXPLAIN => {
                if explain_runs(node) {
                    node.children().for_each(|inner| self.statement_if_any(&inner));
                }
            }
            SyntaxKind::TRUNCATE => self.truncate(node),
            SyntaxKind::COPY => self.copy(node),
            SyntaxKind::EXECUTE => self.execute(node),
            SyntaxKind::CALL => self.call(node),
            SyntaxKind::DO => self.block(node),
            SyntaxKind::GRANT => self.grant(node),
            SyntaxKind::REVOKE => self.revoke(node),
            SyntaxKind::REASSIGN => self.reassign(node),
            SyntaxKind::LOCK
            | SyntaxKind::VACUUM
            | SyntaxKind::REINDEX
            | SyntaxKind::CLUSTER
            | SyntaxKind::REPACK
            | SyntaxKind::REFRESH => self.maintain(node),
            SyntaxKind::CHECKPOINT => {
                let phrase = "forces a checkpoint".to_owned();
                self.push(Class::Heavy, Verb::Admin, None, Scope::All, node, phrase);
            }
            SyntaxKind::COMMENT_ON | SyntaxKind::SECURITY_LABEL => {
                let phrase = "sets a comment or label".to_owned();
                self.push(Class::Add, Verb::Alter, None, Scope::One, node, phrase);
            }
            SyntaxKind::IMPORT_FOREIGN_SCHEMA => {
                let phrase = "creates foreign tables".to_owned();
                self.push(Class::Add, Verb::Create, None, Scope::One, node, phrase);
            }
            SyntaxKind::FETCH | SyntaxKind::MOVE | SyntaxKind::SHOW | SyntaxKind::ANALYZE => {}
            SyntaxKind::EMPTY_STMT => return,
            kind => match all_tokens(node).next().map(|token| token.kind()) {
                Some(SyntaxKind::DROP_KW) => self.drop(node),
                Some(SyntaxKind::CREATE_KW) => self.create(node),
                Some(SyntaxKind::ALTER_KW) => self.alter(node),
                _ => self.session(node, kind),
            },
        }
        if (self.effects.len(), self.unread.len()) == before {
            self.push(Class::Read, Verb::Read, None, Scope::One, node, "reads".to_owned());
        }
    }

    /// Reads a child that may be a statement; names and options are not.
    pub(super) fn statement_if_any(&mut self, node: &SyntaxNode) {
        let starts = all_tokens(node).next().map(|token| token.text().to_ascii_lowercase());
        let is_statement = match starts.as_deref() {
            Some(
                "select" | "with" | "values" | "table" | "(" | "delete" | "update" | "insert"
                | "merge" | "create" | "refresh" | "execute" | "declare",
            ) => !is_expression(node.kind()),
            _ => false,
        };
        if is_statement && node.kind() != SyntaxKind::EXPLAIN_OPTION_LIST {
            self.statement(node);
        }
    }

    /// Finds what a query does, however deep: data-modifying WITH queries and calls.
    pub(super) fn query(&mut self, node: &SyntaxNode) {
        for part in node.descendants() {
            self.part(&part);
        }
    }

    pub(super) fn part(&mut self, part: &SyntaxNode) {
        match part.kind() {
            SyntaxKind::DELETE | SyntaxKind::UPDATE => self.delete_or_update(part),
            SyntaxKind::INSERT => self.insert(part),
            SyntaxKind::MERGE => self.merge(part),
            SyntaxKind::SELECT_INTO => self.select_into(part),
            SyntaxKind::CALL_EXPR => self.called(part),
            _ => {}
        }
    }

    fn select_into(&mut self, node: &SyntaxNode) {
        let table = child(node, &[SyntaxKind::INTO_CLAUSE])
            .and_then(|into| child(&into, &[SyntaxKind::TABLE_NAME]))
            .map(|table| name(&table));
        let phrase = format!("creates table {}", table.as_deref().unwrap_or("?"));
        self.push(Class::Add, Verb::Create, table, Scope::One, node, phrase);
    }

    /// A call of a function that does more than compute.
    fn called(&mut self, call: &SyntaxNode) {
        let Some((function, deed)) = function::acts(call) else {
            return;
        };
        let scope = function::scope(call, deed);
        let scope = if self.is_looped(call) { Scope::Unknown } else { scope };
        match deed {
            Deed::Sets => {
                let text = |place| function::text_argument(call, Some(place));
                if let (Some(setting), Some(value)) = (text(0), text(1)) {
                    self.lifts_guard(&setting, &value, call);
                }
            }
            Deed::Ends => {
                let which = match scope {
                    Scope::One => "ends another session",
                    Scope::Filtered => "ends a session",
                    Scope::All => "ends every session it finds",
                    Scope::Unknown => "ends several sessions",
                };
                let phrase = format!("{which} ({function})");
                self.push(Class::Change, Verb::Admin, Some(function), scope, call, phrase);
            }
            Deed::Does(class, verb, what) => {
                let phrase = format!("{what} ({function})");
                let before = self.effects.len();
                // Of all these the transaction has large objects only.
                let outlasts = !function.starts_with("lo");
                self.push(class, verb, Some(function), scope, call, phrase);
                self.effects[before..].iter_mut().for_each(|effect| effect.outlasts = outlasts);
            }
            Deed::Runs(place) => match function::text_argument(call, place) {
                Some(sql) => {
                    let before = self.effects.len();
                    self.inner(&sql, call);
                    // On a connection of its own.
                    self.effects[before..].iter_mut().for_each(|effect| effect.outlasts = true);
                }
                None => {
                    let phrase = format!("runs SQL that is not in the text ({function})");
                    let class = Class::Opaque;
                    self.push(class, Verb::Execute, Some(function), Scope::Unknown, call, phrase);
                }
            },
        }
    }

    /// EXECUTE of a prepared statement: opaque until the caller knows what was prepared.
    fn execute(&mut self, node: &SyntaxNode) {
        let plan = child(node, &[SyntaxKind::PREPARED_STATEMENT_REF]).map(|plan| name(&plan));
        let shown = plan.as_deref().unwrap_or("?");
        let phrase = format!("runs prepared statement {shown}, which was not seen");
        self.push(Class::Opaque, Verb::Execute, plan, Scope::Unknown, node, phrase);
        self.query(node);
    }

    /// CALL: a procedure is code somebody deployed, and SELECT of a function can do as much, so
    /// holding every CALL by day would teach people to type yes. But a procedure is there to
    /// change something, so it is never silent: a change of scope `filtered` (notice by day, yes
    /// at night). A name that says what it does keeps that.
    fn call(&mut self, node: &SyntaxNode) {
        self.query(node);
        let procedure = child(node, &[SyntaxKind::PROCEDURE_NAME_REF]).map(|called| name(&called));
        let phrase = format!("calls procedure {}", procedure.as_deref().unwrap_or("?"));
        self.push(Class::Change, Verb::Execute, procedure, Scope::Filtered, node, phrase);
    }

    fn session(&mut self, node: &SyntaxNode, kind: SyntaxKind) {
        use SyntaxKind as K;
        let phrase = match kind {
            K::PREPARE => "prepares a statement",
            K::DECLARE => "declares a cursor",
            K::BEGIN | K::SAVEPOINT_CREATE | K::RELEASE_SAVEPOINT | K::PREPARE_TRANSACTION => {
                "begins or keeps a transaction"
            }
            K::COMMIT_TRANSACTION | K::COMMIT_PREPARED => "commits",
            K::ROLLBACK_TRANSACTION | K::ROLLBACK_TO_SAVEPOINT => "rolls back",
            // It waits to be committed, whoever began it: nobody can begin it again.
            K::ROLLBACK_PREPARED => {
                let phrase = "throws a finished transaction away".to_owned();
                self.push(Class::Destroy, Verb::Admin, None, Scope::All, node, phrase);
                return;
            }
            K::CLOSE
            | K::DEALLOCATE
            | K::DISCARD
            | K::LISTEN
            | K::LOAD
            | K::NOTIFY
            | K::RESET
            | K::RESET_CONFIG_PARAM
            | K::RESET_ROLE
            | K::RESET_SESSION_AUTH
            | K::RESET_TIME_ZONE
            | K::RESET_TRANSACTION_ISOLATION
            | K::SET
            | K::SET_CONFIG_PARAM
            | K::SET_CONSTRAINTS
            | K::SET_ROLE
            | K::SET_SESSION_AUTH
            | K::SET_TIME_ZONE
            | K::SET_TRANSACTION
            | K::UNLISTEN => "changes this session only",
            _ => {
                self.unread.push(node.text().to_string());
                return;
            }
        };
        if kind == K::DECLARE {
            self.query(node);
        }
        let words = all_tokens(node).map(|token| token.text().to_owned());
        let words: Vec<String> = words.filter(|word| word != ";").collect();
        if let [.., setting, _, value] = words.as_slice()
            && kind == K::SET
            && self.lifts_guard(setting, value, node)
        {
            return;
        }
        self.push(Class::Session, Verb::Session, None, Scope::One, node, phrase.to_owned());
    }

    /// A setting that lets this session do what the server keeps everybody from.
    fn lifts_guard(&mut self, setting: &str, value: &str, node: &SyntaxNode) -> bool {
        let (setting, value) = (bare(setting), bare(value));
        let guard = GUARDS.iter().find(|(known, on)| *known == setting && on.contains(&&*value));
        if guard.is_some() {
            let phrase = format!("sets {setting} to {value}, which lifts a guard of the server");
            let setting = Some(setting);
            self.push(Class::Escape, Verb::Unguard, setting, Scope::Unknown, node, phrase);
        }
        guard.is_some()
    }

    /// Reads SQL that stands in a string and runs now.
    pub(super) fn inner(&mut self, sql: &str, node: &SyntaxNode) {
        let span = self.span(node);
        if self.nesting >= MAX_NESTING {
            self.unread.push(sql.to_owned());
            return;
        }
        let read = super::read_within(sql, Place::Within(span.start, span.end), self.nesting + 1);
        let looped = self.is_looped(node);
        for mut effect in read.effects {
            if effect.class != Class::Read {
                if looped && effect.scope == Scope::Filtered {
                    effect.scope = Scope::Unknown;
                }
                self.effects.push(effect);
            }
        }
        self.unread.extend(read.unread);
    }

    /// Adds an effect of the given node.
    pub(super) fn push(
        &mut self,
        class: Class,
        verb: Verb,
        object: Option<String>,
        scope: Scope,
        node: &SyntaxNode,
        phrase: String,
    ) {
        // A temporary object named as such is this session's own.
        let is_own = object.as_deref().is_some_and(|object| object.starts_with("pg_temp."));
        let is_row = matches!(class, Class::Change | Class::Remove | Class::Destroy);
        let class = if is_own && is_row { Class::Session } else { class };
        let span = self.span(node);
        self.effects.push(Effect::on(class, verb, object, scope, span, phrase));
    }

    pub(super) fn set_rows(&mut self, rows: Option<Rows>) {
        if let Some(last) = self.effects.last_mut() {
            last.rows = rows;
        }
    }

    pub(super) fn span(&self, node: &SyntaxNode) -> Range<usize> {
        self.place.span(node)
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self.place, Place::Exact(_))
    }

    /// Returns whether a node of a block's body runs again and again.
    pub(super) fn is_looped(&self, node: &SyntaxNode) -> bool {
        const LOOPS: &[SyntaxKind] = &[
            SyntaxKind::PLPGSQL_FOR_CURSOR_STMT,
            SyntaxKind::PLPGSQL_FOR_DYN_STMT,
            SyntaxKind::PLPGSQL_FOR_EACH_STMT,
            SyntaxKind::PLPGSQL_FOR_I_STMT,
            SyntaxKind::PLPGSQL_FOR_QUERY_STMT,
            SyntaxKind::PLPGSQL_LOOP_STMT,
            SyntaxKind::PLPGSQL_WHILE_STMT,
        ];
        matches!(self.place, Place::Body(..))
            && node
                .ancestors()
                .filter(|outer| outer.kind() == SyntaxKind::PLPGSQL_BODY)
                .filter_map(|body| body.parent())
                .any(|outer| LOOPS.contains(&outer.kind()))
    }
}

/// Returns whether EXPLAIN runs what it explains: the last ANALYZE option decides.
pub(super) fn explain_runs(node: &SyntaxNode) -> bool {
    if find(node, &[SyntaxKind::EXPLAIN_ANALYZE])
        .is_some_and(|found| found.parent().as_ref() == Some(node))
        || has_token(node, SyntaxKind::ANALYZE_KW)
        || has_token(node, SyntaxKind::ANALYSE_KW)
    {
        return true;
    }
    let Some(options) = child(node, &[SyntaxKind::EXPLAIN_OPTION_LIST]) else {
        return false;
    };
    let last = options.children().filter_map(|option| {
        let mut words = all_tokens(&option).map(|token| token.text().to_ascii_lowercase());
        let is_analyze = words
            .next()
            .is_some_and(|word| matches!(word.trim_matches('"'), "analyze" | "analyse"));
        is_analyze.then(|| !is_off(words.next()))
    });
    last.last().unwrap_or(false)
}

/// Returns whether a setting is one of the server's guards.
pub(super) fn is_guard(setting: &str) -> bool {
    GUARDS.iter().any(|(known, _)| *known == setting)
}

/// Returns a word without quotes, folded.
fn bare(word: &str) -> String {
    word.trim_matches(['\'', '"']).to_ascii_lowercase()
}

/// Returns whether an option's value says no.
pub(super) fn is_off(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.trim_matches(['\'', '"']), "false" | "off" | "0"))
}

/// Shows a node in a phrase, within quotation marks.
pub(super) fn quoted(node: &SyntaxNode) -> String {
    format!("\"{}\"", shown(node))
}
