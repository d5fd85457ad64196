//! Whether a document fits: everything it says, against what holds after the whole of it.
//!
//! Only what the document touches is looked at, so a small document costs little in a large registry.

mod custody;
mod reference;

use super::document::RegistryDocument;
use super::read::{Problem, Problems};
use super::state::Registry;

/// Checks `document`, which leads from `before` to `after`. The answer is what is allowed but worth saying.
pub(super) fn document(
    before: &Registry,
    document: &RegistryDocument,
    after: &Registry,
    problems: &Problems,
) -> Vec<Problem> {
    let notices = Problems::default();
    reference::places(document, after, problems, &notices);
    reference::lots_and_units(document, after, problems);
    reference::named_units(document, after, problems, &notices);
    custody::associations(document, after, problems);
    custody::splits(before, document, after, problems);
    custody::aggregations(document, after, problems);
    custody::beginnings(document, after, problems);
    notices.into_vec()
}
