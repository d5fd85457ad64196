//! What is registered, list by list.

use axum::Json;
use axum::extract::State;
use model::registry::{Record, Recorded, Table};
use model::role::Permission;

use crate::access::Caller;
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::record::RecordView;

type Listed = Result<Json<Page<RecordView>>, Problem>;

/// The page of `table` that `page` asks for, of the records for which `wanted` holds.
fn list<T: Record>(
    caller: &Caller,
    table: &Table<T>,
    page: &PageParams,
    wanted: impl Fn(&Recorded<T>) -> bool,
) -> Listed {
    caller.must_have(Permission::Read)?;
    let limit = page.limit()?;
    let mut records = table.iter();
    if let Some(after) = page.after()? {
        // records are never taken away, so the last one of the page before is still there
        records.find(|recorded| T::key_text(&recorded.key()) == after).ok_or_else(bad_cursor)?;
    }
    let found: Vec<&Recorded<T>> = records.filter(|recorded| wanted(recorded)).take(limit + 1).collect();
    Ok(Json(Page::cut(found, limit, |recorded| T::key_text(&recorded.key())).map(RecordView::of)))
}

macro_rules! whole_list {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(get, path = $path, tag = "registry", params(PageParams), security(("bearer" = [])), responses(
            (status = 200, body = Page<RecordView>),
            (status = 401, body = Problem, content_type = "application/problem+json"),
            (status = 403, body = Problem, content_type = "application/problem+json"),
        ))]
        pub(crate) async fn $name(
            caller: Caller,
            State(shared): State<Shared>,
            Parameters(page): Parameters<PageParams>,
        ) -> Listed {
            list(&caller, &shared.given.ledger.registry().$name, &page, |_| true)
        }
    };
}

whole_list! {
    /// Products, by GTIN.
    products, "/v1/products"
}
whole_list! {
    /// Places, by id.
    places, "/v1/places"
}
whole_list! {
    /// Sensors, by id.
    sensors, "/v1/sensors"
}
whole_list! {
    /// Associations, by sensor and beginning.
    associations, "/v1/associations"
}
whole_list! {
    /// Moves, by unit and instant.
    moves, "/v1/moves"
}
