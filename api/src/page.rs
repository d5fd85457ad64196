//! Pages of lists: `limit`, and a cursor that says where the next page begins.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Items of a page when the request does not say.
const DEFAULT_LIMIT: usize = 100;

/// Items of a page at most.
const MAX_LIMIT: usize = 1000;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// `next_cursor` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Option<usize>,
}

impl PageParams {
    /// How many items are wanted.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(limit) => {
                Err(Problem::bad_request("parameter", format!("`limit` is `{limit}`: use 1 to {MAX_LIMIT}")))
            }
        }
    }

    /// The key the page begins after, as given out in a cursor before.
    pub(crate) fn after(&self) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(|cursor| decode(cursor).ok_or_else(bad_cursor)).transpose()
    }
}

/// The answer to a cursor nobody gave out.
pub(crate) fn bad_cursor() -> Problem {
    Problem::bad_request("cursor", "the cursor is not one of this list: take `next_cursor` of the page before")
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, in the list's order.
    items: Vec<T>,
    /// Where the next page begins; null on the last page.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page of `items`, which has one more than `limit` when there is a next page. `key` is what the list is
    /// ordered by.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = more.then(|| items.last().map(|last| encode(&key(last)))).flatten();
        Self { items, next_cursor }
    }

    /// The page of `items`, whose next page begins at `cursor`.
    pub(crate) fn of(items: Vec<T>, cursor: Option<String>) -> Self {
        Self { items, next_cursor: cursor.map(|key| encode(&key)) }
    }

    /// The same page with other items.
    pub(crate) fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

/// Keys are written in hexadecimal: opaque, and safe in an address.
fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(cursor: &str) -> Option<String> {
    if !cursor.is_ascii() || !cursor.len().is_multiple_of(2) || cursor.len() > 1024 {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..cursor.len()).step_by(2).map(|at| u8::from_str_radix(cursor.get(at..at + 2)?, 16).ok()).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_strangers_do_not() {
        assert_eq!(decode(&encode("a/b ü")).as_deref(), Some("a/b ü"));
        for text in ["", "6"] {
            assert_eq!(decode(text).as_deref(), text.is_empty().then_some(""));
        }
        assert_eq!(decode("zz"), None);
        assert_eq!(decode("ff"), None);
        assert_eq!(decode("üü"), None);
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = Page::cut(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], Some(encode("2"))));
        let page = Page::cut(vec![1, 2], 2, ToString::to_string);
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], None));
    }
}
