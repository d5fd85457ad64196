//! The guard on the plan: what the planner made of a checked statement reads offered tables and nothing else.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use super::functions::{ALLOWED, LITERAL_ARGUMENTS};
use super::measures;
use super::statement::Offered;
use crate::error::SqlError;

/// Refuses `plan` unless every node and every function of it, subqueries included, is allowed.
pub(crate) fn check(plan: &LogicalPlan, offered: Offered<'_>) -> Result<(), SqlError> {
    // EXPLAIN keeps the explained plan beside its inputs
    let plan = if let LogicalPlan::Explain(explain) = plan { &explain.plan } else { plan };
    let mut refusal = None;
    let walked = plan.apply_with_subqueries(|node| {
        let verdict = match check_node(node, offered) {
            ControlFlow::Continue(()) => node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    Ok(match check_expr(expr) {
                        ControlFlow::Continue(()) => TreeNodeRecursion::Continue,
                        ControlFlow::Break(message) => {
                            refusal = Some(message);
                            TreeNodeRecursion::Stop
                        }
                    })
                })
            })?,
            ControlFlow::Break(message) => {
                refusal = Some(message);
                TreeNodeRecursion::Stop
            }
        };
        Ok::<_, DataFusionError>(verdict)
    });
    match refusal {
        Some(message) => Err(SqlError::refused(message)),
        None => walked.map(|_| ()).map_err(SqlError::internal),
    }
}

fn check_node(node: &LogicalPlan, offered: Offered<'_>) -> ControlFlow<String> {
    match node {
        LogicalPlan::TableScan(scan) if !offered.is_table(scan.table_name.table()) => {
            ControlFlow::Break(format!("`{}` is not a table", scan.table_name))
        }
        LogicalPlan::TableScan(_)
        | LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_) => ControlFlow::Continue(()),
        _ => ControlFlow::Break("only reading is allowed: write a plain `SELECT`".to_owned()),
    }
}

fn check_expr(expr: &Expr) -> ControlFlow<String> {
    let name = match expr {
        Expr::ScalarFunction(call) => {
            for (name, position) in LITERAL_ARGUMENTS {
                let given = call.args.get(*position);
                if call.name() == *name && given.is_some_and(|pattern| !is_written_out(pattern)) {
                    return ControlFlow::Break(format!("the pattern of `{name}` must be written in the statement"));
                }
            }
            call.name()
        }
        Expr::AggregateFunction(call) => call.func.name(),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) if measures::NAMES.contains(&function.name()) => {
                let name = function.name();
                return ControlFlow::Break(format!("`{name}` is answered with `GROUP BY`, not with `OVER`"));
            }
            WindowFunctionDefinition::AggregateUDF(function) => function.name(),
            WindowFunctionDefinition::WindowUDF(function) => function.name(),
        },
        Expr::BinaryExpr(binary) => {
            let pattern = matches!(
                binary.op,
                Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
            );
            if pattern && !is_written_out(&binary.right) {
                return ControlFlow::Break("a pattern must be written in the statement".to_owned());
            }
            return ControlFlow::Continue(());
        }
        Expr::SimilarTo(like) if !is_written_out(&like.pattern) => {
            return ControlFlow::Break("a pattern must be written in the statement".to_owned());
        }
        Expr::HigherOrderFunction(_) | Expr::Lambda(_) | Expr::LambdaVariable(_) => {
            return ControlFlow::Break("lambdas are not answered".to_owned());
        }
        Expr::Placeholder(_) | Expr::ScalarVariable(..) => {
            return ControlFlow::Break("parameters and variables are not answered".to_owned());
        }
        _ => return ControlFlow::Continue(()),
    };
    if ALLOWED.allows(name) {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(format!("the function `{name}` is not offered to queries"))
}

/// Whether `expr` is a literal, perhaps cast.
fn is_written_out(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => is_written_out(&cast.expr),
        _ => false,
    }
}
