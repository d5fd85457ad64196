//! Roles, and what each may do.

use std::fmt;

/// What a person or a program may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Publish readings, over MQTT or HTTP.
    PublishReadings,
    /// Read everything but the audit trail: units, lots, readings, registry, holds, events.
    Read,
    /// Ask in SQL; the table `audit` needs [`Permission::ReadAudit`] besides.
    Sql,
    /// Put registry documents.
    WriteRegistry,
    /// Record that a unit moved, or plan it.
    Moves,
    /// Place a hold with cause `manual`.
    ManualHold,
    /// Move a hold or a review on: start the review, release, reject, accept. Always as a named person.
    DecideHold,
    /// Take note of an alarm. Always as a named person.
    AcknowledgeAlarm,
    /// Read the audit trail.
    ReadAudit,
    /// Check every checksum and the audit chain.
    Verify,
    /// Create and revoke API tokens.
    ManageTokens,
    /// Create people's accounts and set their roles.
    ManageUsers,
    /// Take a copy of the whole store.
    Backup,
}

/// What a token or a person is to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A gateway: publishes readings and nothing else.
    Gateway,
    /// Somebody who looks.
    Viewer,
    /// Somebody who keeps the registry and moves goods.
    Logistics,
    /// Somebody who decides about holds.
    Quality,
    /// Somebody who checks: everything, read-only.
    Auditor,
    /// Somebody who runs the system.
    Admin,
}

/// The whole matrix. Nobody but `quality` decides about holds, the administrator included: whoever runs the
/// system must not be able to release goods (invariant H2).
const MATRIX: [(Role, &[Permission]); 6] = [
    (Role::Gateway, &[Permission::PublishReadings]),
    (Role::Viewer, &[Permission::Read, Permission::Sql]),
    (
        Role::Logistics,
        &[
            Permission::Read,
            Permission::Sql,
            Permission::WriteRegistry,
            Permission::Moves,
            Permission::ManualHold,
            Permission::AcknowledgeAlarm,
        ],
    ),
    (
        Role::Quality,
        &[
            Permission::Read,
            Permission::Sql,
            Permission::ManualHold,
            Permission::DecideHold,
            Permission::AcknowledgeAlarm,
        ],
    ),
    (Role::Auditor, &[Permission::Read, Permission::Sql, Permission::ReadAudit, Permission::Verify]),
    (
        Role::Admin,
        &[
            Permission::PublishReadings,
            Permission::Read,
            Permission::Sql,
            Permission::WriteRegistry,
            Permission::Moves,
            Permission::ManualHold,
            Permission::AcknowledgeAlarm,
            Permission::ReadAudit,
            Permission::Verify,
            Permission::ManageTokens,
            Permission::ManageUsers,
            Permission::Backup,
        ],
    ),
];

impl Role {
    /// All roles, in the order of the outside contract.
    pub const ALL: [Self; 6] =
        [Self::Gateway, Self::Viewer, Self::Logistics, Self::Quality, Self::Auditor, Self::Admin];

    /// The stable word for this role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Viewer => "viewer",
            Self::Logistics => "logistics",
            Self::Quality => "quality",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role `text` names.
    ///
    /// # Errors
    /// When `text` is not one of the six words.
    pub fn parse(text: &str) -> Result<Self, RoleError> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| RoleError { text: text.chars().take(40).collect() })
    }

    /// Everything this role may do.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        MATRIX.iter().find(|(role, _)| *role == self).map_or(&[], |(_, permissions)| permissions)
    }

    /// Whether this role may do `permission`.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a [`Role`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a role: use `gateway`, `viewer`, `logistics`, `quality`, `auditor` or `admin`")]
pub struct RoleError {
    /// What was given, cut after 40 characters.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_stands_in_the_matrix_once_and_reads_back() {
        for role in Role::ALL {
            assert_eq!(MATRIX.iter().filter(|(listed, _)| *listed == role).count(), 1, "{role}");
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
        assert!(Role::parse("root").is_err());
    }

    #[test]
    fn only_quality_decides_and_a_gateway_only_publishes() {
        let deciders: Vec<_> = Role::ALL.into_iter().filter(|role| role.may(Permission::DecideHold)).collect();
        assert_eq!(deciders, [Role::Quality]);
        assert_eq!(Role::Gateway.permissions(), [Permission::PublishReadings]);
    }

    #[test]
    fn an_auditor_changes_nothing() {
        let changing = [
            Permission::PublishReadings,
            Permission::WriteRegistry,
            Permission::Moves,
            Permission::ManualHold,
            Permission::DecideHold,
            Permission::AcknowledgeAlarm,
            Permission::ManageTokens,
            Permission::ManageUsers,
        ];
        assert!(!changing.into_iter().any(|permission| Role::Auditor.may(permission)));
        assert!(Role::Auditor.may(Permission::ReadAudit) && Role::Auditor.may(Permission::Verify));
    }
}
