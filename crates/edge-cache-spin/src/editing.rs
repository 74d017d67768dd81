//! Edits of values with their audit record, which the components of keys and of operations make.

use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::edit_key::{EditKeyRequest, EditReport, UndoRequest};

use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::response::Response;

impl Call {
    /// Fails if values must not be edited here.
    ///
    /// # Errors
    /// 403.
    pub fn require_value_editing(&self) -> Result<(), Problem> {
        if self.config().value_editing {
            return Ok(());
        }
        let detail = "values cannot be edited here, because the variable `value_editing` is false";
        Err(Problem::new(
            403,
            "value-editing-off",
            "Forbidden",
            detail.to_owned(),
        ))
    }

    /// Undoes the edit of this operation. Cost: two round trips beside those of the edit.
    ///
    /// # Errors
    /// Those of [`UndoRequest`] and of the edit.
    pub async fn undo_edit(&self, operation: &str) -> Result<Response, Problem> {
        const ACTION: &str = "undo";
        let undo = UndoRequest::parse(operation)?;
        match undo.find(&self.redis(), &self.audit_redis()).await {
            Ok(edit) => self.edit_value(ACTION, &edit).await,
            Err(error) => {
                let mut record = AuditRecord::new(ACTION);
                record.detail = Some(format!("operation {operation}"));
                self.record_not_started(record, &error).await;
                Err(error.into())
            }
        }
    }

    /// Edits a value, and records it as this action. Cost: two round trips beside those of the edit.
    ///
    /// # Errors
    /// Those of the edit.
    pub async fn edit_value(
        &self,
        action: &str,
        request: &EditKeyRequest,
    ) -> Result<Response, Problem> {
        let mut record = AuditRecord::new(action).with_keys(std::slice::from_ref(request.key()));
        record.detail = Some(request.describe());

        let redis = self.redis();
        let editing = async {
            // The intent has been recorded by now, so the operation has an id.
            let operation = self.operation_id();
            request.run(&redis, operation.as_deref()).await
        };
        let has_values = self.config().audit_values;
        let complete = |report: &EditReport, record: &mut AuditRecord| {
            record.difference = has_values.then(|| report.difference.clone());
        };
        let report = self.run_audited_with(record, editing, complete).await?;
        Ok(self.respond_with_data(report))
    }
}
