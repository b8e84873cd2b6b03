//! What is wrong with served versions: kept, told and followed up in one commit, so that a crash
//! neither forgets nor repeats it. Whether something is wrong is not decided here.

use crate::callback::Told;
use crate::decision::{About, Decision};
use crate::types::callback::{CallbackEvent, CallbackRequest, CallbackSubject};
use crate::types::event::Severity;
use crate::types::trouble::TroubleReport;

impl Decision<'_> {
    /// Takes note of what has changed of one version's troubles.
    pub(super) fn note_trouble(&mut self, report: TroubleReport) {
        let TroubleReport { model, version, troubles, ended, event, reason, .. } = report;
        for trouble in troubles {
            self.draft.put_trouble(trouble);
        }
        for key in ended {
            self.draft.delete_trouble(key);
        }
        if let Some(spec) = report.asset_event {
            self.note_asset_change(spec);
        }
        let (state, severity, line) = match event {
            CallbackEvent::OnRecovered => ("recovered", Severity::Info, "serving.recovered"),
            CallbackEvent::OnDrift => ("drift", Severity::Warning, "serving.drift"),
            _ => ("trouble", Severity::Warning, "serving.trouble"),
        };
        let told = Told { event, state, reason: Some(&reason), deadline: None };
        for spec in report.callbacks {
            let subject = CallbackSubject::Model { model: model.clone(), version };
            let request = self.request(subject, spec, told);
            let details = Some(report.details.clone());
            self.put_callback(CallbackRequest { details, ..request });
        }
        self.log(severity, line, About(None, None, None), None, reason);
    }
}
