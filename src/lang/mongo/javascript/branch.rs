//! What names stand for where only some ways through the text change them.

use oxc_ast::ast::{
    AssignmentTargetMaybeDefault, AssignmentTargetPattern, AssignmentTargetProperty, Expression,
    MemberExpression,
};

use super::value::Value;
use super::walk::Walk;
use std::sync::Arc;

/// A name that was changed in a branch, and what it stood for before.
pub(super) struct Change {
    /// Its scope; none for the session's own names.
    at: Option<usize>,
    name: String,
    before: Value,
}

impl Walk<'_, '_> {
    /// Reads what may run or not: afterwards, what it changed is as before or as it left it.
    pub(super) fn in_branch<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.changed.replace(Vec::new());
        let result = walk(self);
        let changed = std::mem::replace(&mut self.changed, outer);
        for Change { at, name, before } in changed.unwrap_or_default() {
            let Some(value) = self.place_of(at, &name) else { continue };
            let after = std::mem::take(value);
            *value = Value::one_of([before.clone(), after]);
            self.note(Change { at, name, before });
        }
        result
    }

    fn place_of(&mut self, at: Option<usize>, name: &str) -> Option<&mut Value> {
        match at {
            Some(at) => self.scopes.get_mut(at)?.get_mut(name),
            None => self.names.known.get_mut(name),
        }
    }

    /// Remembers what a name stood for when the branch around began.
    fn note(&mut self, change: Change) {
        let Some(changed) = &mut self.changed else { return };
        if !changed.iter().any(|known| known.at == change.at && known.name == change.name) {
            changed.push(change);
        }
    }

    /// Gives a name in a scope, or to the session.
    pub(super) fn give(&mut self, at: Option<usize>, name: &str, value: Value) {
        if let Some(known) = self.place_of(at, name) {
            let before = std::mem::replace(known, value);
            return self.note(Change { at, name: name.to_owned(), before });
        }
        match at {
            Some(at) => self.scopes[at].insert(name.to_owned(), value),
            None => self.names.known.insert(name.to_owned(), value),
        };
    }

    /// `tools.wipe = …`, `ops[0] = …`
    pub(super) fn assign_member(&mut self, member: &MemberExpression<'_>, value: &Value) {
        let name = self.property(member);
        let Expression::Identifier(object) = member.object() else { return };
        let object = object.name.as_str();
        match self.name_mut(object) {
            Some((Value::Record(members), _)) => {
                let name = name.unwrap_or_else(|| "(computed)".to_owned());
                Arc::make_mut(members).push((name, value.clone()));
            }
            Some((Value::List(_) | Value::OneOf(_), _)) => {
                self.list_grows(object, std::slice::from_ref(value));
            }
            _ => {}
        }
    }

    /// `({a = 1} = …)`: what is put in where nothing is there.
    pub(super) fn assign_pattern(&mut self, pattern: &AssignmentTargetPattern<'_>) {
        match pattern {
            AssignmentTargetPattern::ArrayAssignmentTarget(array) => {
                array.elements.iter().flatten().for_each(|one| self.assign_default(one));
            }
            AssignmentTargetPattern::ObjectAssignmentTarget(object) => {
                for property in &object.properties {
                    match property {
                        AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(one) => {
                            if let Some(init) = &one.init {
                                self.expression(init);
                            }
                            self.assign(one.binding.name.as_str(), Value::Unknown);
                        }
                        AssignmentTargetProperty::AssignmentTargetPropertyProperty(one) => {
                            self.assign_default(&one.binding);
                        }
                    }
                }
            }
        }
    }

    fn assign_default(&mut self, target: &AssignmentTargetMaybeDefault<'_>) {
        let inner = match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(with) => {
                self.expression(&with.init);
                Some(&with.binding)
            }
            other => other.as_assignment_target(),
        };
        let Some(inner) = inner else { return };
        if let Some(name) = inner.get_identifier_name() {
            self.assign(name, Value::Unknown);
        } else if let Some(pattern) = inner.as_assignment_target_pattern() {
            self.assign_pattern(pattern);
        }
    }
}
