//! The walk over a tree's statements and functions: loops, names, what a function does.

use std::collections::HashMap;

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, BindingPattern, BlockStatement, ForStatementInit,
    ForStatementLeft, FormalParameters, Function, Program, Statement, VariableDeclaration,
};
use oxc_span::GetSpan;

use super::line::Lines;
use super::value::{Place, Value};
use super::walk::Walk;

impl Walk<'_, '_> {
    pub(super) fn program(&mut self, program: &Program<'_>, lines: &Lines<'_>) {
        self.hoist(&program.body);
        // A function may call one that stands behind it.
        self.hoist(&program.body);
        let mut last = None;
        for statement in &program.body {
            let database = lines.database_at(statement.span().start as usize);
            if database != last
                && let Some(name) = database
            {
                self.names.set_database(name);
                last = database;
            }
            self.statement(statement);
        }
        if let Some(name) = lines.database_at(usize::MAX) {
            self.names.set_database(name);
        }
    }

    /// Functions are known in all of the block that they are declared in.
    fn hoist(&mut self, statements: &[Statement<'_>]) {
        for statement in statements {
            if let Statement::FunctionDeclaration(function) = statement {
                self.declared(function);
            }
        }
    }

    fn declared(&mut self, function: &Function<'_>) {
        let Some(name) = function.name() else { return };
        let value = self.function_value(function);
        self.bind(name.as_str(), value);
    }

    pub(super) fn statements(&mut self, statements: &[Statement<'_>]) {
        self.hoist(statements);
        for statement in statements {
            self.statement(statement);
        }
    }

    fn block(&mut self, block: &BlockStatement<'_>) {
        self.scoped(|walk| walk.statements(&block.body));
    }

    fn scoped(&mut self, walk: impl FnOnce(&mut Self)) {
        self.scopes.push(HashMap::new());
        walk(self);
        self.scopes.pop();
    }

    pub(super) fn statement(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::BlockStatement(block) => self.block(block),
            Statement::ExpressionStatement(inner) => {
                self.expression(&inner.expression);
            }
            Statement::VariableDeclaration(declaration) => self.variables(declaration),
            Statement::IfStatement(choice) => {
                self.expression(&choice.test);
                self.statement(&choice.consequent);
                if let Some(alternate) = &choice.alternate {
                    self.statement(alternate);
                }
            }
            Statement::DoWhileStatement(repeat) => self.within_loop(|walk| {
                walk.statement(&repeat.body);
                walk.expression(&repeat.test);
            }),
            Statement::WhileStatement(repeat) => self.within_loop(|walk| {
                walk.expression(&repeat.test);
                walk.statement(&repeat.body);
            }),
            Statement::ForStatement(repeat) => self.scoped(|walk| {
                match &repeat.init {
                    Some(ForStatementInit::VariableDeclaration(inner)) => walk.variables(inner),
                    Some(init) => {
                        init.as_expression().map(|inner| walk.expression(inner));
                    }
                    None => {}
                }
                walk.within_loop(|walk| {
                    for inner in [&repeat.test, &repeat.update].into_iter().flatten() {
                        walk.expression(inner);
                    }
                    walk.statement(&repeat.body);
                });
            }),
            Statement::ForInStatement(repeat) => {
                self.expression(&repeat.right);
                self.each(&repeat.left, &repeat.body);
            }
            Statement::ForOfStatement(repeat) => {
                self.expression(&repeat.right);
                self.each(&repeat.left, &repeat.body);
            }
            Statement::ReturnStatement(inner) => {
                if let Some(argument) = &inner.argument {
                    self.returned = self.expression(argument);
                }
            }
            Statement::ThrowStatement(inner) => {
                self.expression(&inner.argument);
            }
            Statement::SwitchStatement(choice) => {
                self.expression(&choice.discriminant);
                self.scoped(|walk| {
                    for case in &choice.cases {
                        case.test.as_ref().map(|test| walk.expression(test));
                        walk.statements(&case.consequent);
                    }
                });
            }
            Statement::TryStatement(guarded) => {
                self.block(&guarded.block);
                if let Some(handler) = &guarded.handler {
                    self.scoped(|walk| {
                        if let Some(parameter) = &handler.param {
                            walk.pattern(&parameter.pattern, Value::Unknown);
                        }
                        walk.block(&handler.body);
                    });
                }
                if let Some(last) = &guarded.finalizer {
                    self.block(last);
                }
            }
            Statement::LabeledStatement(inner) => self.statement(&inner.body),
            Statement::WithStatement(inner) => {
                self.expression(&inner.object);
                self.statement(&inner.body);
            }
            // Functions are known already; a class' methods run when somebody calls them.
            _ => {}
        }
    }

    /// The body of a loop over something; nobody knows what its name stands for each time.
    fn each(&mut self, left: &ForStatementLeft<'_>, body: &Statement<'_>) {
        self.scoped(|walk| {
            match left {
                ForStatementLeft::VariableDeclaration(inner) => walk.variables(inner),
                ForStatementLeft::AssignmentTargetIdentifier(name) => {
                    walk.assign(name.name.as_str(), Value::Unknown);
                }
                _ => {}
            }
            walk.within_loop(|walk| walk.statement(body));
        });
    }

    fn variables(&mut self, declaration: &VariableDeclaration<'_>) {
        for declarator in &declaration.declarations {
            // `const sweep = () => sweep()` calls itself.
            let own = declarator.id.get_identifier_name().map(|name| name.as_str().to_owned());
            let value = match (&declarator.init, own) {
                (Some(init), Some(name)) => {
                    self.calling.push(name);
                    let value = self.expression(init);
                    self.calling.pop();
                    value
                }
                (Some(init), None) => self.expression(init),
                (None, _) => Value::Unknown,
            };
            if declaration.kind.is_var() {
                self.in_function_scope(|walk| walk.pattern(&declarator.id, value));
            } else {
                self.pattern(&declarator.id, value);
            }
        }
    }

    /// `var` is a name of the whole function.
    fn in_function_scope(&mut self, walk: impl FnOnce(&mut Self)) {
        let own = self.bases.last().map_or(0, |base| base + 1);
        let inner = self.scopes.split_off(own.min(self.scopes.len()));
        walk(self);
        self.scopes.extend(inner);
    }

    /// Gives the names of a pattern.
    fn pattern(&mut self, pattern: &BindingPattern<'_>, value: Value) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.bind(name.name.as_str(), value),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let key = self.key(&property.key, property.computed);
                    let part = match &value {
                        Value::Database(database) => {
                            Value::Collection(Place { database: database.clone(), name: key })
                        }
                        value => value.member(&key).cloned().unwrap_or_default(),
                    };
                    self.pattern(&property.value, part);
                }
                if let Some(rest) = &object.rest {
                    self.pattern(&rest.argument, Value::Unknown);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for (at, element) in array.elements.iter().enumerate() {
                    let Some(element) = element else { continue };
                    let part = match &value {
                        Value::List(list) => list.items.get(at).cloned().unwrap_or_default(),
                        _ => Value::Unknown,
                    };
                    self.pattern(element, part);
                }
                if let Some(rest) = &array.rest {
                    self.pattern(&rest.argument, Value::Unknown);
                }
            }
            BindingPattern::AssignmentPattern(assignment) => {
                let default = self.expression(&assignment.right);
                let value = if value.is_unknown() { default } else { value };
                self.pattern(&assignment.left, value);
            }
        }
    }

    /// Reads a function that is written down; it runs when it is called.
    pub(super) fn function_value(&mut self, function: &Function<'_>) -> Value {
        let Some(body) = &function.body else { return Value::Unknown };
        let name = function.name().map(|name| name.as_str().to_owned());
        self.closure(name, &function.params, |walk| walk.statements(&body.statements))
    }

    pub(super) fn arrow(&mut self, function: &ArrowFunctionExpression<'_>) -> Value {
        self.closure(None, &function.params, |walk| match &function.body {
            ArrowFunctionBody::FunctionBody(body) => walk.statements(&body.statements),
            other => {
                if let Some(inner) = other.as_expression() {
                    walk.returned = walk.expression(inner);
                }
            }
        })
    }

    fn closure(
        &mut self,
        name: Option<String>,
        parameters: &FormalParameters<'_>,
        body: impl FnOnce(&mut Self),
    ) -> Value {
        let outer_effects = std::mem::take(&mut self.effects);
        let outer_returned = std::mem::take(&mut self.returned);
        let is_looped = std::mem::replace(&mut self.is_looped, false);
        let is_recursive = std::mem::replace(&mut self.is_recursive, false);
        let names = self.calling.len();
        self.calling.extend(name);
        self.bases.push(self.scopes.len());
        self.scoped(|walk| {
            for parameter in &parameters.items {
                walk.pattern(&parameter.pattern, Value::Unknown);
                if let Some(default) = &parameter.initializer {
                    walk.expression(default);
                }
            }
            if let Some(rest) = &parameters.rest {
                walk.pattern(&rest.rest.argument, Value::Unknown);
            }
            body(walk);
        });
        self.bases.pop();
        self.calling.truncate(names);
        let mut effects = std::mem::replace(&mut self.effects, outer_effects);
        let returned = std::mem::replace(&mut self.returned, outer_returned);
        if self.is_recursive {
            effects.iter_mut().for_each(|effect| effect.looped = true);
        }
        self.is_looped = is_looped;
        self.is_recursive = is_recursive;
        self.summary(effects, returned)
    }
}
