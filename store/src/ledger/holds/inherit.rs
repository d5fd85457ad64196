//! What a split takes along: a child starts with the open holds of the unit it comes from.

use model::hold::{Hold, HoldState, Scope, Version};
use model::instant::RecordedAt;
use model::registry::{Registry, RegistryDocument, Split};

use super::{Drafting, Misfit, empty, system};

impl Drafting {
    /// Places the parents' holds on the children of the splits that `document` brings, and that `before` does not
    /// know. What was rejected is held again: a part of it must not leave either.
    pub(in crate::ledger) fn inherit(&mut self, before: &Registry, document: &RegistryDocument) -> Result<(), Misfit> {
        let mut splits: Vec<&Split> = document.splits.iter().collect();
        // a child's own splits come after the one that made it
        splits.sort_by_key(|split| split.at);
        for split in splits {
            let parent: Vec<_> = self.holds.of_unit(&split.unit).filter(|hold| hold.state.blocks()).collect();
            for child in split.into.iter().filter(|child| before.origin(&child.id).is_none()) {
                for hold in &parent {
                    self.place(of_child(hold, Scope::Unit(child.id.clone()), self.at)?)?;
                }
            }
        }
        Ok(())
    }
}

/// The same hold on a child. It rests on the evidence its parent's has now.
fn of_child(hold: &Hold, scope: Scope, at: RecordedAt) -> Result<Hold, Misfit> {
    let evidence = hold.evidence.last().map(|latest| Version { recorded_at: at, evidence: latest.evidence.clone() });
    Ok(Hold {
        state: HoldState::Open,
        reason: hold.reason.clone(),
        inherited_from: Some(hold.id),
        evidence: evidence.into_iter().collect(),
        ..empty(scope, hold.cause.clone(), hold.incident.clone(), system()?)
    })
}
