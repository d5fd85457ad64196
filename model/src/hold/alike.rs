//! What units have in common that stand under the same sensors.

use crate::instant::ValidAt;
use crate::name::Name;

/// A firing of a rule that all units have that stand under the same sensors since an instant, whatever was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The rule.
    pub rule: Name,
    /// When it fired.
    pub at: ValidAt,
    /// Who stands there since then has it as well.
    pub since: ValidAt,
    /// Nothing of the rule was under way then: what began later began at the same instant for all of them.
    pub from: ValidAt,
}
