//! What is registered, list by list.

use axum::Json;
use axum::extract::State;
use model::registry::{Association, Move, Place, Product, Record, Recorded, Sensor, Table};
use model::role::Permission;
use model::sight::Sight;

use crate::access::{Caller, Sighted};
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::record::RecordView;

type Listed = Result<Json<Page<RecordView>>, Problem>;

/// A record that may lie beyond what somebody sees.
trait Seen: Record {
    fn is_seen(&self, sight: &Sight) -> bool;
}

impl Seen for Product {
    fn is_seen(&self, sight: &Sight) -> bool {
        sight.product(&self.gtin)
    }
}

impl Seen for Place {
    fn is_seen(&self, sight: &Sight) -> bool {
        sight.place(&self.id)
    }
}

impl Seen for Sensor {
    fn is_seen(&self, sight: &Sight) -> bool {
        sight.sensor(&self.id)
    }
}

impl Seen for Association {
    fn is_seen(&self, sight: &Sight) -> bool {
        sight.association(self)
    }
}

impl Seen for Move {
    fn is_seen(&self, sight: &Sight) -> bool {
        sight.unit(&self.unit) && sight.place(&self.to)
    }
}

/// The page of `table` that `page` asks for, of the records that are seen.
fn list<T: Seen>(caller: &Caller, sight: &Sight, table: &Table<T>, page: &PageParams) -> Listed {
    caller.must_have(Permission::Read)?;
    let limit = page.limit()?;
    let mut records = table.iter().filter(|recorded| recorded.is_seen(sight));
    if let Some(after) = page.after()? {
        // records are never taken away, so the last one of the page before is still there
        records.find(|recorded| T::key_text(&recorded.key()) == after).ok_or_else(bad_cursor)?;
    }
    let found: Vec<&Recorded<T>> = records.take(limit + 1).collect();
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
            Sighted(caller): Sighted,
            State(shared): State<Shared>,
            Parameters(page): Parameters<PageParams>,
        ) -> Listed {
            list(&caller, &caller.sight(&shared), &shared.given.ledger.registry().$name, &page)
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
