//! A product's rules as the kernel evaluates them: the stated ones, those of the storage limits, and freezing.

use std::time::Duration;

use model::name::Name;
use model::registry::{Comparator, Interpolation, Limit, Mode, Product, Rule, Severity, Side};

use super::level::{Level, View};
use super::moment::Span;

/// The quantity a rule watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Quantity {
    Temperature,
    Humidity,
}

/// One rule, ready to evaluate.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) id: Name,
    /// Its place among the product's rules.
    pub(super) number: usize,
    pub(super) quantity: Quantity,
    /// Out of limits.
    pub(super) limit: Level,
    /// Not recovered yet: the limit less the hysteresis.
    pub(super) reset: Level,
    pub(super) mode: Mode,
    pub(super) delay: Span,
    pub(super) merge: Span,
    pub(super) severity: Severity,
    pub(super) is_freeze: bool,
}

/// All rules of `product`, by id.
pub(super) fn watches(product: &Product) -> Vec<Watch> {
    let mut all: Vec<Watch> = product.rules.iter().map(stated).collect();
    all.extend(product.implied_rules().iter().map(stated));
    if let (Some(freeze), Ok(id)) = (product.freeze, Name::parse("freeze")) {
        let level = Level { view: View::Cold, at: -freeze.limit.millidegrees(), inclusive: true, step: false };
        all.push(Watch {
            id,
            number: 0,
            quantity: Quantity::Temperature,
            limit: level,
            reset: level,
            mode: Mode::Single,
            delay: span(freeze.delay),
            merge: Span::ZERO,
            severity: Severity::Hold,
            is_freeze: true,
        });
    }
    all.sort_by(|left, right| left.id.cmp(&right.id));
    all.iter_mut().enumerate().for_each(|(number, watch)| watch.number = number);
    all
}

fn stated(rule: &Rule) -> Watch {
    let (quantity, at, hysteresis) = match rule.limit {
        Limit::Temperature { at, hysteresis } => (Quantity::Temperature, at.millidegrees(), hysteresis.millikelvin()),
        Limit::Humidity { at, hysteresis } => (Quantity::Humidity, at.thousandths(), hysteresis.thousandths()),
    };
    let (view, at) = seen_from(rule.side, at);
    let inclusive = rule.comparator == Comparator::Inclusive;
    let step = rule.interpolation == Some(Interpolation::Hold);
    let limit = Level { view, at, inclusive, step };
    Watch {
        id: rule.id.clone(),
        number: 0,
        quantity,
        limit,
        reset: Level { at: at - hysteresis, ..limit },
        mode: rule.mode,
        delay: span(rule.delay),
        merge: span(rule.merge),
        severity: rule.severity,
        is_freeze: false,
    }
}

fn seen_from(side: Side, at: i32) -> (View, i32) {
    match side {
        Side::High => (View::Hot, at),
        Side::Low => (View::Cold, -at),
    }
}

pub(super) fn span(duration: Duration) -> Span {
    Span::from_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
