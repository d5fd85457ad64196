//! The functions a query may call.
//!
//! An allow-list: a function that is not here does not exist for queries. Left out on purpose are those whose result
//! can be far larger than their arguments (`repeat`, `lpad`, `replace`, array builders), those that take quadratic
//! time on long texts (`levenshtein`), those that answer differently each time (`random`, `uuid`) and those that
//! look at files (`input_file_name`).

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::{measures, texts, truncate};

/// Functions of one row.
const SCALAR: &[&str] = &[
    // conditions and types
    "nullif",
    "nvl",
    "nvl2",
    "coalesce",
    "greatest",
    "least",
    "arrow_typeof",
    "version",
    // times
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "from_unixtime",
    "make_date",
    "now",
    "to_char",
    "to_date",
    "to_local_time",
    "to_unixtime",
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    // numbers
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "factorial",
    "floor",
    "gcd",
    "isnan",
    "iszero",
    "lcm",
    "ln",
    "log",
    "log2",
    "log10",
    "nanvl",
    "pi",
    "power",
    "radians",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "round",
    "trunc",
    // texts
    "ascii",
    "bit_length",
    "btrim",
    "chr",
    "concat",
    "concat_ws",
    "ends_with",
    "lower",
    "ltrim",
    "octet_length",
    "rtrim",
    "split_part",
    "starts_with",
    "to_hex",
    "upper",
    "contains",
    "character_length",
    "find_in_set",
    "initcap",
    "left",
    "reverse",
    "right",
    "strpos",
    "substr",
    "substr_index",
    "translate",
    "regexp_count",
    "regexp_like",
    "regexp_match",
    // lists that a query made itself
    "make_array",
    "array_element",
    "array_length",
    "array_has",
    "cardinality",
    // fields of a row value
    "get_field",
];

/// Those of them that build longer texts from shorter ones.
const BOUNDED: &[&str] = &["concat", "concat_ws"];

/// Functions of many rows.
const AGGREGATE: &[&str] = &[
    "any_value",
    "array_agg",
    "first_value",
    "last_value",
    "covar_samp",
    "covar_pop",
    "corr",
    "sum",
    "max",
    "min",
    "median",
    "count",
    "regr_slope",
    "regr_intercept",
    "regr_count",
    "regr_r2",
    "regr_avgx",
    "regr_avgy",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
    "var_samp",
    "var_pop",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "approx_median",
    "approx_distinct",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "percentile_cont",
    "string_agg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "avg",
    "grouping",
    "nth_value",
    "var",
    "mean",
];

/// Functions of a row among its neighbours.
const WINDOW: &[&str] = &[
    "cume_dist",
    "row_number",
    "lead",
    "lag",
    "rank",
    "dense_rank",
    "percent_rank",
    "ntile",
    "first_value",
    "last_value",
    "nth_value",
];

/// Functions whose pattern or format must be written in the statement, with that argument's position: made for every
/// row anew, a pattern is compiled for every row.
pub(crate) const LITERAL_ARGUMENTS: &[(&str, usize)] =
    &[("regexp_count", 1), ("regexp_like", 1), ("regexp_match", 1), ("to_char", 1)];

/// Everything that may be called, built once.
pub(crate) struct Functions {
    pub(crate) scalar: Vec<Arc<ScalarUDF>>,
    pub(crate) aggregate: Vec<Arc<AggregateUDF>>,
    pub(crate) window: Vec<Arc<WindowUDF>>,
    names: HashSet<String>,
}

/// The functions of every engine.
pub(crate) static ALLOWED: LazyLock<Functions> = LazyLock::new(|| {
    let mut scalar = SessionStateDefaults::default_scalar_functions();
    scalar.retain(|function| SCALAR.contains(&function.name()));
    for function in &mut scalar {
        if BOUNDED.contains(&function.name()) {
            *function = texts::bounded(Arc::clone(function));
        }
        if function.name() == "date_trunc" {
            *function = truncate::short(Arc::clone(function));
        }
    }
    let mut aggregate = SessionStateDefaults::default_aggregate_functions();
    aggregate.retain(|function| AGGREGATE.contains(&function.name()));
    aggregate.extend(measures::all());
    let mut window = SessionStateDefaults::default_window_functions();
    window.retain(|function| WINDOW.contains(&function.name()));

    let mut names = HashSet::new();
    for function in &scalar {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    for function in &aggregate {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    for function in &window {
        names.insert(function.name().to_owned());
        names.extend(function.aliases().iter().cloned());
    }
    Functions { scalar, aggregate, window, names }
});

impl Functions {
    /// Whether a query may call `name` (lower case).
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_can_explode() {
        for name in
            ["repeat", "lpad", "rpad", "replace", "generate_series", "range", "array_repeat", "random", "read_csv"]
        {
            assert!(!ALLOWED.allows(name), "{name}");
        }
    }

    #[test]
    fn names_only_functions_that_exist() {
        let known = |name: &&&str| ALLOWED.allows(name);
        let unknown: Vec<_> = SCALAR.iter().chain(AGGREGATE).chain(WINDOW).filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
