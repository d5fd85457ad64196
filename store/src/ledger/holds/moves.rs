//! Moves of what is blocked: a planned one is refused, one that happened is recorded and raises an alarm.

use std::collections::HashMap;

use model::hold::{AlarmCode, Block, Destination, Holds, Subject, holds_against};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Move, Registry, RegistryDocument};

use super::{Drafting, Misfit, NewAlarm};

/// What assessments say against issuing units at the instants of their moves; holds are the ledger's own to know.
pub type Judged = HashMap<(Name, ValidAt), Vec<Block>>;

/// A planned move that is refused, and everything that stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedMove {
    /// The unit, or what holds units.
    pub unit: Name,
    /// Where it was to go.
    pub to: Name,
    /// When.
    pub at: ValidAt,
    /// What stands against it.
    pub blocks: Vec<Block>,
}

/// The moves of `document` that `before` does not have just so.
fn new_moves<'a>(before: &'a Registry, document: &'a RegistryDocument) -> impl Iterator<Item = &'a Move> {
    document.moves.iter().filter(|record| {
        let known = before.moves.get(&(record.unit.clone(), record.at));
        known.is_none_or(|known| *known.record != **record)
    })
}

/// What stands against the move, if it takes units out.
fn against(record: &Move, after: &Registry, holds: &Holds, judged: &Judged, now: ValidAt) -> Vec<Block> {
    let before = ValidAt::from_millis(record.at.millis().saturating_sub(1));
    let mut blocks = Vec::new();
    for unit in after.units_in(&record.unit, record.at) {
        if Destination::of(after, &unit, &record.to, record.at) == Destination::Out {
            blocks.extend(holds_against(after, holds, &unit, now.min(before)));
            blocks.extend(judged.get(&(unit, record.at)).into_iter().flatten().cloned());
        }
    }
    blocks
}

impl Drafting {
    /// Raises an alarm for each move of `document` that took out what is blocked.
    ///
    /// The answer is the planned moves that are refused: with one of them nothing may be written.
    pub(in crate::ledger) fn judge(
        &mut self,
        (before, after): (&Registry, &Registry),
        document: &RegistryDocument,
        judged: &Judged,
    ) -> Result<Vec<BlockedMove>, Misfit> {
        let now = ValidAt::from_millis(self.at.millis());
        let mut refused = Vec::new();
        for record in new_moves(before, document) {
            let blocks = against(record, after, &self.holds, judged, now);
            if blocks.is_empty() {
                continue;
            }
            let (unit, to) = (record.unit.clone(), record.to.clone());
            if record.planned {
                refused.push(BlockedMove { unit, to, at: record.at, blocks });
                continue;
            }
            let codes: Vec<String> = blocks.iter().map(told).collect();
            self.raise(NewAlarm {
                code: AlarmCode::MovedWhileBlocked,
                subject: Subject::Unit(unit),
                rule: None,
                at: record.at,
                detail: format!("taken to {to} while blocked: {}", codes.join(", ")).into(),
            })?;
        }
        Ok(refused)
    }
}

fn told(block: &Block) -> String {
    match block {
        Block::Hold { hold, unit, .. } => format!("hold {hold} on {unit}"),
        Block::Review { unit, .. } | Block::Expired { unit, .. } | Block::RemainingLife { unit, .. } => {
            format!("{} of {unit}", block.code())
        }
    }
}
