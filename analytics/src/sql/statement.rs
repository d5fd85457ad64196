//! The guard on the statement: exactly one, only a query, only over tables and functions that are offered.
//!
//! It looks at the words first (so that a refusal does not depend on what the parser makes of a dialect's oddities),
//! then at the parsed statement. What the planner makes of it is looked at again, in [`super::plan`]
//! (invariant S1).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement as EngineStatement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement, TableFactor,
    Value, ValueWithSpan, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::functions::ALLOWED;
use super::limits::Limits;
use crate::error::{Limit, SqlError};

const ONLY_QUERIES: &str = "only one query may be asked: `SELECT`, `WITH … SELECT`, `VALUES`, or `EXPLAIN` of one";

/// What a query may read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered<'a> {
    /// Tables.
    pub(crate) tables: &'a [&'static str],
    /// Table functions of one literal.
    pub(crate) functions: &'a [&'static str],
}

impl Offered<'_> {
    /// Whether the planner's name of a scan is that of a table, or of a function it planned as one.
    pub(crate) fn is_table(self, name: &str) -> bool {
        self.tables.contains(&name) || name.strip_suffix("()").is_some_and(|name| self.functions.contains(&name))
    }
}

/// A statement that may be planned.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) statement: EngineStatement,
    /// The offered tables and table functions it names.
    pub(crate) tables: BTreeSet<String>,
}

/// `sql` parsed, if it is one query over `offered` tables and allowed functions, within `limits`.
pub(crate) fn check(sql: &str, offered: Offered<'_>, limits: &Limits) -> Result<Checked, SqlError> {
    if sql.len() > limits.max_statement_bytes {
        return Err(SqlError::Limit { limit: Limit::StatementBytes(limits.max_statement_bytes as u64) });
    }
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlError::invalid(format!("the statement can't be read: {error}")))?;
    check_tokens(&tokens, limits)?;

    let to_ours = |error| SqlError::from_engine(error, limits.max_memory_bytes, limits.max_nesting as u64);
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&dialect)
        .with_recursion_limit(limits.max_nesting + 10)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(to_ours)?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(SqlError::refused(ONLY_QUERIES));
    };

    let mut guard = Guard { offered, limits, ctes: BTreeSet::new(), tables: BTreeSet::new(), called: None, depth: 0 };
    if let ControlFlow::Break(refusal) = query_of(&statement)?.visit(&mut guard) {
        return Err(refusal);
    }
    Ok(Checked { tables: guard.tables, statement })
}

/// What the words alone tell: the kind of statement, that it is one, and its size.
fn check_tokens(tokens: &[TokenWithSpan], limits: &Limits) -> Result<(), SqlError> {
    let mut words =
        tokens.iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
    let keyword = |token: Option<&Token>| match token {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        Some(Token::LParen) => Keyword::SELECT, // a query in parentheses; the parser decides
        _ => Keyword::NoKeyword,
    };
    let mut first = keyword(words.clone().next());
    if first == Keyword::EXPLAIN {
        first = keyword(words.clone().nth(1));
    }
    if !matches!(first, Keyword::SELECT | Keyword::WITH | Keyword::VALUES) {
        return Err(SqlError::refused(ONLY_QUERIES));
    }
    if words.clone().skip_while(|token| **token != Token::SemiColon).any(|token| *token != Token::SemiColon) {
        return Err(SqlError::refused(ONLY_QUERIES));
    }

    if tokens.len() > limits.max_statement_tokens {
        return Err(SqlError::Limit { limit: Limit::StatementTokens(limits.max_statement_tokens as u64) });
    }
    let too_deep = SqlError::Limit { limit: Limit::Nesting(limits.max_nesting as u64) };
    let (mut depth, mut selects) = (0_usize, 0_usize);
    for token in words.by_ref() {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Word(word) if word.keyword == Keyword::SELECT => selects += 1,
            _ => {}
        }
        if depth > limits.max_nesting || selects > 4 * limits.max_nesting {
            return Err(too_deep);
        }
    }
    Ok(())
}

/// The query inside `statement`, or a refusal.
fn query_of(statement: &EngineStatement) -> Result<&Query, SqlError> {
    match statement {
        EngineStatement::Statement(inner) => match &**inner {
            Statement::Query(query) => Ok(query),
            _ => Err(SqlError::refused(ONLY_QUERIES)),
        },
        EngineStatement::Explain(explain) => {
            let options = &explain.options;
            let plain = !options.analyze
                && !options.verbose
                && options.format.is_none()
                && options.analyze_level.is_none()
                && options.analyze_categories.is_none()
                && options.show_statistics.is_none();
            match &*explain.statement {
                EngineStatement::Statement(_) if plain => query_of(&explain.statement),
                _ => Err(SqlError::refused("only a plain `EXPLAIN` of a query is answered: nothing is run by it")),
            }
        }
        EngineStatement::CreateExternalTable(_) | EngineStatement::CopyTo(_) | EngineStatement::Reset(_) => {
            Err(SqlError::refused(ONLY_QUERIES))
        }
    }
}

/// Walks a query and breaks at the first thing that is not allowed.
struct Guard<'a> {
    offered: Offered<'a>,
    limits: &'a Limits,
    ctes: BTreeSet<String>,
    tables: BTreeSet<String>,
    /// The table function whose name is looked at next.
    called: Option<&'static str>,
    depth: usize,
}

fn refuse(message: impl Into<String>) -> ControlFlow<SqlError> {
    ControlFlow::Break(SqlError::refused(message))
}

/// The one plain identifier `name` consists of, in the case the planner will look for.
fn plain_name(name: &ObjectName) -> Option<String> {
    let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return None };
    match ident.quote_style {
        None => Some(ident.value.to_lowercase()),
        Some('"' | '`') => Some(ident.value.clone()),
        Some(_) => None,
    }
}

impl Guard<'_> {
    /// The offered table function that `factor` calls with one literal, if it does.
    fn called_by(&self, factor: &TableFactor) -> Option<&'static str> {
        let TableFactor::Table { name, args: Some(arguments), .. } = factor else { return None };
        let [ObjectNamePart::Identifier(ident)] = name.0.as_slice() else { return None };
        let name = Some(&ident.value).filter(|_| ident.quote_style.is_none());
        let function = self.offered.functions.iter().find(|function| Some(**function) == name.map(String::as_str))?;
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = arguments.args.as_slice() else { return None };
        (arguments.settings.is_none() && is_literal(argument)).then_some(*function)
    }
}

/// Whether `expr` is a literal, perhaps one that says its type.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::Cast { expr, .. } => matches!(**expr, Expr::Value(_)),
        _ => false,
    }
}

impl Visitor for Guard<'_> {
    type Break = SqlError;

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<SqlError> {
        refuse(ONLY_QUERIES)
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        if let Some(with) = &query.with {
            if with.recursive {
                return refuse("recursive queries are not answered");
            }
            for cte in &with.cte_tables {
                let name = &cte.alias.name;
                self.ctes.insert(if name.quote_style.is_none() {
                    name.value.to_lowercase()
                } else {
                    name.value.clone()
                });
            }
        }
        let extras = !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if extras {
            return refuse("`FOR`, `SETTINGS`, `FORMAT` and `|>` are not answered: write a plain `SELECT`");
        }
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => {}
                SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                SetExpr::Table(_) => return refuse("`TABLE name` is not answered: write `SELECT * FROM name`"),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                    return refuse(ONLY_QUERIES);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        if select.into.is_some() {
            return refuse("`SELECT … INTO` writes, and only reading is allowed");
        }
        if !select.lateral_views.is_empty() {
            return refuse("`LATERAL VIEW` is not answered");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        self.called = self.called_by(factor);
        let plain = match factor {
            TableFactor::Table { args, with_hints, version, partitions, json_path, sample, index_hints, .. } => {
                (args.is_none() || self.called.is_some())
                    && with_hints.is_empty()
                    && version.is_none()
                    && partitions.is_empty()
                    && json_path.is_none()
                    && sample.is_none()
                    && index_hints.is_empty()
            }
            TableFactor::Derived { sample, .. } => sample.is_none(),
            TableFactor::NestedJoin { .. } => true,
            _ => false,
        };
        if plain {
            return ControlFlow::Continue(());
        }
        refuse(
            "only tables, subqueries and `assess_at('…')` with a literal may stand in `FROM`, not functions or samples",
        )
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<SqlError> {
        if let Some(function) = self.called.take() {
            self.tables.insert(function.to_owned());
            return ControlFlow::Continue(());
        }
        if let Some(name) = plain_name(relation) {
            if self.ctes.contains(&name) {
                return ControlFlow::Continue(());
            }
            if self.offered.tables.contains(&name.as_str()) {
                self.tables.insert(name);
                return ControlFlow::Continue(());
            }
        }
        let shown: String = relation.to_string().chars().take(80).collect();
        refuse(format!("`{shown}` is not a table: there are `{}`", self.offered.tables.join("`, `")))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SqlError> {
        self.depth += 1;
        if self.depth > self.limits.max_expression_depth {
            let limit = Limit::Nesting(self.limits.max_expression_depth as u64);
            return ControlFlow::Break(SqlError::Limit { limit });
        }
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        match plain_name(&function.name) {
            Some(name) if ALLOWED.allows(&name) => ControlFlow::Continue(()),
            _ => {
                let shown: String = function.name.to_string().chars().take(80).collect();
                refuse(format!("the function `{shown}` is not offered to queries"))
            }
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<SqlError> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<SqlError> {
        let length = match &value.value {
            Value::Placeholder(_) => return refuse("parameters are not answered: write the value into the statement"),
            Value::SingleQuotedString(text) => text.len(),
            other => other.clone().into_string().map_or(0, |text| text.len()),
        };
        if length > self.limits.max_literal_bytes {
            let limit = Limit::ValueBytes(self.limits.max_literal_bytes as u64);
            return ControlFlow::Break(SqlError::Limit { limit });
        }
        ControlFlow::Continue(())
    }
}
