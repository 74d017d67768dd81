//! Authorization: the role that a route or a removal requires.

use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::confirmation::Confirmation;
use edge_cache_admin::admin::share::RemovalShare;
use edge_cache_admin::{Error, Role};

use crate::http::call::Call;
use crate::http::problem::Problem;

impl Call {
    /// Continues only if the caller's token has at least this role.
    ///
    /// # Errors
    /// 401 without a valid token, 403 if its role is too low, 429 after too many attempts without a
    /// valid token from one client address. Each attempt is in the audit trail.
    pub async fn require_role(&self, role: Role) -> Result<(), Problem> {
        let caller = self.authenticate().await?;
        self.caller.replace(Some(caller.clone()));
        if caller.role >= role {
            return Ok(());
        }

        // A token with a lower role is not a guess: it gets 403 each time, and never 429.
        self.record_denied(Some(&caller), 0).await;
        let detail = format!(
            "this needs the role {}, the token of {} has {}",
            role.name(),
            caller.name,
            caller.role.name()
        );
        Err(Error::RoleTooLow(detail).into())
    }

    /// Continues only if the caller may remove as large a share of the keys as was measured. A
    /// measurement that failed is recorded like a failed removal.
    ///
    /// # Errors
    /// 403 if the share needs a higher role, 400 if it needs confirmation, and those of the
    /// measurement.
    pub async fn permit_removal(
        &self,
        record: &AuditRecord,
        measured: Result<RemovalShare, Error>,
    ) -> Result<(), Problem> {
        let share = match measured {
            Ok(share) => share,
            Err(error) => {
                self.record_not_started(record.clone(), &error).await;
                return Err(error.into());
            }
        };

        self.require_role(share.role())
            .await
            .map_err(|problem| problem.with_context(&share.describe()))?;
        Ok(share.check()?)
    }

    /// Checks the number of keys that the caller has confirmed (`confirmCount`), as a walk that only
    /// reads. A failure to count them is recorded.
    ///
    /// # Errors
    /// 409 if it is far from the number of keys that match now, 503 if counting takes too long, and those
    /// of [`Call::run_walk`].
    pub async fn check_count(
        &self,
        record: &AuditRecord,
        confirmation: Confirmation,
        check: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Problem> {
        if !confirmation.is_count() {
            return Ok(());
        }
        let checked = self.run_walk(check).await;
        let checked = checked.map_err(|error| match error {
            Error::WalkTooLong(limit) => Error::CountTooLong(limit),
            error => error,
        });
        if let Err(error) = &checked
            && !matches!(error, Error::CountChanged { .. })
        {
            self.record_not_started(record.clone(), error).await;
        }
        Ok(checked?)
    }
}
