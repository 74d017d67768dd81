//! Callers: one token for each role, one that is not configured, and none.

use sha2::{Digest, Sha256};

/// The caller of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Sends no token.
    Nobody,
    /// Sends a token that is not configured.
    Stranger,
    /// Has the role viewer.
    Viewer,
    /// Has the role operator.
    Operator,
    /// Has the role admin.
    Admin,
}

impl Caller {
    /// All callers, from the least to the most trusted.
    pub const ALL: [Self; 5] = [
        Self::Nobody,
        Self::Stranger,
        Self::Viewer,
        Self::Operator,
        Self::Admin,
    ];

    /// The token, as it is sent.
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Stranger => Some("a-token-that-nobody-configured"),
            Self::Viewer => Some("the-token-of-monitoring-5d41"),
            Self::Operator => Some("the-token-of-support-9a27"),
            Self::Admin => Some("the-token-of-deploy-c3f8"),
        }
    }

    /// The name of the token: `who` in the audit trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "monitoring",
            Self::Operator => "support",
            Self::Admin => "deploy",
            Self::Nobody | Self::Stranger => "-",
        }
    }

    /// The role's name.
    pub fn role(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Nobody | Self::Stranger => "-",
        }
    }

    /// The value of the variable `tokens` with all callers that have a role.
    pub(crate) fn variable() -> String {
        let entry = |caller: Self| {
            let digest = Sha256::digest(caller.token().unwrap_or_default());
            let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}:{}:{hash}", caller.name(), caller.role())
        };
        [Self::Viewer, Self::Operator, Self::Admin]
            .map(entry)
            .join(",")
    }
}
