//! What `[serving.drift]`, `[serving.alert]` and mail servers may say.

use std::time::Duration;

use super::*;
use crate::types::callback::CallbackEvent;

const LOG: &str = "[connection.feed]\nurl = \"log:\"\n";

#[test]
fn what_is_said_of_one_model_stands_over_what_is_said_of_all() {
    let told = "{ notify = \"feed\", message = \"{{ model }} {{ version }}: {{ reason }}\" }";
    let deck = load_more(&format!(
        "{LOG}[serving.drift]\npsi = 0.3\nwindow = \"10m\"\nmin_rows = 50\nrepeat = \"1d\"\n\
         on_drift = {told}\non_recovered = [{told}, {told}]\n\
         [serving.drift.models.iris]\npsi = 1\nwindow = \"1m\"\n\
         [serving.alert]\nerror_rate = 0.05\np99_ms = 250\non_trouble = {told}\n"
    ))
    .unwrap();
    let serving = &deck.serving;
    let all = serving.drift_of("titanic");
    assert_eq!((all.limits.psi, all.limits.ks, all.limits.min_rows), (0.3, 0.2, 50));
    assert_eq!(all.callbacks.of(CallbackEvent::OnRecovered).len(), 2);
    let iris = serving.drift_of("iris");
    assert_eq!((iris.limits.psi, iris.window), (1.0, Duration::from_secs(60)));
    assert_eq!((iris.limits.min_rows, iris.repeat), (50, Some(Duration::from_secs(86_400))));
    assert_eq!(iris.callbacks.of(CallbackEvent::OnDrift).len(), 1);
    assert_eq!((serving.alert.error_rate, serving.alert.p99_ms), (Some(0.05), Some(250.0)));
    assert_eq!(load_more("").unwrap().serving.drift.limits.psi, 0.2);
}

#[test]
fn what_is_wrong_with_it_is_named_at_its_place() {
    let drift = |line: &str| places(&format!("[serving.drift]\n{line}\n"));
    assert_eq!(drift("psi = 0"), [("bad-value", 2, 7)]);
    assert_eq!(drift("ks = 1.5"), [("bad-value", 2, 6)]);
    assert_eq!(drift("missing = \"much\""), [("wrong-type", 2, 11)]);
    assert_eq!(drift("window = \"1s\""), [("bad-value", 2, 10)]);
    assert_eq!(drift("min_rows = 0"), [("bad-value", 2, 12)]);
    assert_eq!(drift("psy = 1"), [("unknown-key", 2, 1)]);
    assert_eq!(drift("models = { iris = 1 }"), [("wrong-type", 2, 19)]);
    assert_eq!(drift("on_drift = { argv = [\"{{ run_id }}\"] }"), [("unknown-name", 2, 26)]);
    let alert = |line: &str| places(&format!("[serving.alert]\n{line}\n"));
    assert_eq!(alert("error_rate = 2"), [("bad-value", 2, 14)]);
    let told = "on_trouble = { argv = [\"true\"] }";
    assert_eq!(alert(told)[0].0, "missing-key");
    let told = "error_rate = 0.1\non_drift = { argv = [\"true\"] }";
    assert_eq!(alert(told), [("unknown-key", 3, 1)]);
}

#[test]
fn a_mail_server_takes_messages_and_says_what_it_lacks() {
    let server = "[connection.post]\nurl = \"smtp://mail.example.org\"\nfrom = \"a@b.org\"\n";
    let notify = "[dag.d.task.t]\noperator = \"notify\"\nconnection = \"post\"\nmessage = \"x\"\n";
    let task = "[dag.e.task.t]\noperator = \"empty\"\n\
                on_failure = { notify = \"post\", message = \"x\" }\n";
    assert!(load_more(&format!("{server}to = \"c@d.org\"\n{notify}{task}")).is_ok());
    assert_eq!(places(server)[0].0, "missing-key");
    let more = |line: &str| places(&format!("{server}to = \"c@d.org\"\n{line}\n"));
    assert_eq!(more("starttls = \"maybe\""), [("bad-value", 5, 12)]);
    assert_eq!(more("bcc = \"e@f.org\""), [("unknown-key", 5, 1)]);
    assert_eq!(more("username = \"ada\"")[0].0, "missing-key");
    let nowhere = "[connection.post]\nurl = \"smtp://:25\"\nfrom = \"a@b.org\"\nto = \"c@d.org\"\n";
    assert_eq!(places(nowhere), [("bad-url", 2, 7)]);
}
