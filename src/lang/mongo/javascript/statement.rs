//! The walk over a tree's statements and functions: loops, names, what a function does.

use std::collections::HashMap;
use std::sync::Arc;

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, BindingPattern, BlockStatement, Class,
    ClassElement, Expression, ForStatementInit, ForStatementLeft, FormalParameters, Function,
    Program, Statement, VariableDeclaration,
};
use oxc_span::GetSpan;

use super::call::FIELDS;
use super::line::Lines;
use super::value::{Summary, Value, undefined};
use super::walk::{Frame, Walk};

impl Walk<'_, '_> {
    pub(super) fn program(&mut self, program: &Program<'_>, lines: &Lines<'_>) {
        // A function may call one that stands behind it. Only here, where nothing is around: each
        // function is read three times, and not twice for each one around it.
        for _ in 0..2 {
            self.hoist(&program.body);
            self.hoist_variables(&program.body);
        }
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

    /// So are, when somebody calls them, those that a variable holds.
    fn hoist_variables(&mut self, statements: &[Statement<'_>]) {
        for statement in statements {
            let Statement::VariableDeclaration(declaration) = statement else { continue };
            let is_function = |init: &Expression<'_>| init.is_function();
            if declaration.declarations.iter().all(|one| one.init.as_ref().is_some_and(is_function))
            {
                self.variables(declaration);
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
                self.in_branch(|walk| walk.statement(&choice.consequent));
                if let Some(alternate) = &choice.alternate {
                    self.in_branch(|walk| walk.statement(alternate));
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
                self.each(&repeat.left, Value::Unknown, &repeat.body);
            }
            Statement::ForOfStatement(repeat) => {
                let each = match self.expression(&repeat.right) {
                    list @ Value::List(_) => list.any_within(),
                    _ => Value::Unknown,
                };
                self.each(&repeat.left, each, &repeat.body);
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
                        walk.in_branch(|walk| walk.statements(&case.consequent));
                    }
                });
            }
            Statement::TryStatement(guarded) => {
                self.in_branch(|walk| walk.block(&guarded.block));
                if let Some(handler) = &guarded.handler {
                    let handle = |walk: &mut Self| {
                        if let Some(parameter) = &handler.param {
                            walk.pattern(&parameter.pattern, Value::Unknown);
                        }
                        walk.block(&handler.body);
                    };
                    self.in_branch(|walk| walk.scoped(handle));
                }
                if let Some(last) = &guarded.finalizer {
                    self.block(last);
                }
            }
            Statement::LabeledStatement(inner) => self.statement(&inner.body),
            Statement::WithStatement(inner) => {
                let object = self.expression(&inner.object);
                self.withs.push(object);
                self.statement(&inner.body);
                self.withs.pop();
            }
            Statement::ClassDeclaration(class) => {
                let value = self.class(class);
                if let Some(name) = &class.id {
                    self.bind(name.name.as_str(), value);
                }
            }
            // Functions are known already.
            _ => {}
        }
    }

    /// The body of a loop over something, each time with one of its things.
    fn each(&mut self, left: &ForStatementLeft<'_>, value: Value, body: &Statement<'_>) {
        self.scoped(|walk| {
            match left {
                ForStatementLeft::VariableDeclaration(inner) => {
                    for declarator in &inner.declarations {
                        walk.pattern(&declarator.id, value.clone());
                    }
                }
                ForStatementLeft::AssignmentTargetIdentifier(name) => {
                    walk.assign(name.name.as_str(), value);
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
                (None, _) => Value::Literal(undefined()),
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
        let own = self.frames.last().map_or(0, |frame| frame.base + 1);
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
                    let part = self.member_of(value.clone(), Some(key), "");
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
                        // What a loop takes out of a list may have come in pieces of its own.
                        Value::Function(_) | Value::OneOf(_) => value.clone(),
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
        self.closure(name, Some(&function.params), |walk| walk.statements(&body.statements))
    }

    pub(super) fn arrow(&mut self, function: &ArrowFunctionExpression<'_>) -> Value {
        self.closure(None, Some(&function.params), |walk| match &function.body {
            ArrowFunctionBody::FunctionBody(body) => walk.statements(&body.statements),
            other => {
                if let Some(inner) = other.as_expression() {
                    walk.returned = walk.expression(inner);
                }
            }
        })
    }

    /// Reads a class as an object of its methods.
    pub(super) fn class(&mut self, class: &Class<'_>) -> Value {
        let mut members =
            match class.heritage.as_ref().map(|inner| self.expression(&inner.expression)) {
                Some(Value::Record(known)) => known.to_vec(),
                _ => Vec::new(),
            };
        for element in &class.body.body {
            match element {
                ClassElement::MethodDefinition(method) => {
                    let key = self.key(&method.key, method.computed);
                    members.push((key, self.function_value(&method.value)));
                }
                ClassElement::StaticBlock(block) => {
                    self.scoped(|walk| walk.statements(&block.body));
                }
                ClassElement::PropertyDefinition(field) => {
                    let key = self.key(&field.key, field.computed);
                    let Some(init) = &field.value else { continue };
                    if field.r#static {
                        let value = self.expression(init);
                        members.push((key, value));
                        continue;
                    }
                    let fields =
                        self.closure(None, None, |walk| walk.returned = walk.expression(init));
                    if let Value::Function(summary) = &fields {
                        members.push((key, summary.returns.clone()));
                    }
                    members.push((FIELDS.to_owned(), fields));
                }
                _ => {}
            }
        }
        Value::Record(Arc::new(members))
    }

    /// Reads what runs later, if at all.
    pub(super) fn closure(
        &mut self,
        name: Option<String>,
        parameters: Option<&FormalParameters<'_>>,
        body: impl FnOnce(&mut Self),
    ) -> Value {
        let outer_effects = std::mem::take(&mut self.effects);
        let outer_returned = std::mem::take(&mut self.returned);
        let is_looped = std::mem::replace(&mut self.is_looped, false);
        let is_recursive = std::mem::replace(&mut self.is_recursive, false);
        let names = self.calling.len();
        self.calling.extend(name);
        self.frames.push(Frame { base: self.scopes.len(), ..Frame::default() });
        self.in_branch(|walk| walk.scoped(|walk| walk.with_parameters(parameters, body)));
        let Frame { calls, own, .. } = self.frames.pop().unwrap_or_default();
        self.calling.truncate(names);
        let mut effects = std::mem::replace(&mut self.effects, outer_effects);
        let returned = std::mem::replace(&mut self.returned, outer_returned);
        if self.is_recursive {
            effects.iter_mut().for_each(|effect| effect.looped = true);
        }
        self.is_looped = is_looped;
        self.is_recursive = is_recursive;
        self.summary(effects, Summary { returns: returned, calls, own, ..Summary::default() })
    }

    fn with_parameters(
        &mut self,
        parameters: Option<&FormalParameters<'_>>,
        body: impl FnOnce(&mut Self),
    ) {
        if let Some(parameters) = parameters {
            for parameter in &parameters.items {
                self.pattern(&parameter.pattern, Value::Unknown);
                if let Some(default) = &parameter.initializer {
                    self.expression(default);
                }
            }
            if let Some(rest) = &parameters.rest {
                self.pattern(&rest.rest.argument, Value::Unknown);
            }
        }
        let names = self.scopes.last().into_iter().flat_map(HashMap::keys).cloned().collect();
        if let Some(frame) = self.frames.last_mut() {
            frame.parameters = names;
        }
        body(self);
    }
}
