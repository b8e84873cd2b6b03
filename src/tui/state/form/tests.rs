//! What a whole form is made of and what it comes to.

use serde_json::json;

use super::*;
use crate::sample;

fn form() -> Form {
    Form::new(&sample::every_param(), None)
}

fn at(form: &Form, name: &str) -> usize {
    form.fields.iter().rposition(|field| field.name == name).unwrap()
}

#[test]
fn params_of_a_section_stand_together_and_tabs_have_their_field_below() {
    let names: Vec<String> = form().fields.into_iter().map(|field| field.name).collect();
    assert_eq!(
        names,
        [
            "mode", "region", "owner", "token", "grid", "source", "source", "size", "rate",
            "depth", "gpu", "from", "at", "features",
        ]
    );
}

#[test]
fn an_untouched_form_gives_nothing_and_a_conf_puts_its_values_in() {
    let mut form = form();
    assert_eq!(form.conf(), Ok(Map::new()));
    assert_eq!(form.changed_count(), 0);
    let conf = json!({"rate": 0.2, "source": 3, "features": ["text"], "unknown": 1});
    form.reset(conf.as_object().unwrap());
    let given = json!({"source": 3, "rate": 0.2, "features": ["text"]});
    assert_eq!(Value::Object(form.conf().unwrap()), given);
    form.reset(&Map::new());
    assert_eq!(form.conf(), Ok(Map::new()));
}

#[test]
fn what_is_required_is_told_where_somebody_was_or_when_it_is_sent() {
    let mut form = form();
    let owner = at(&form, "owner");
    assert_eq!(form.problem(owner), None);
    form.was_tried = true;
    assert_eq!(form.problem(owner).as_deref(), Some("is required"));
    assert_eq!(form.first_problem().map(|(stop, _)| stop), Some(Stop::Field(owner)));
}

#[test]
fn a_secret_is_neither_in_the_command_nor_among_the_params() {
    let mut form = form();
    let token = at(&form, "token");
    form.put(token, json!("hush"));
    assert_eq!(form.command(), "dagdeck trigger every_param -p token=\"$TOKEN\"");
    assert!(!form.params().contains_key("token"));
    assert_eq!(form.conf().unwrap()["token"], json!("hush"));
}

#[test]
fn what_is_advanced_is_in_the_command_too() {
    let mut form = form();
    form.advanced[RUN_ID].set(json!("try 1"));
    form.advanced[LOGICAL_DATE].set(json!("2026-03-01"));
    assert_eq!(
        form.command(),
        "dagdeck trigger every_param --run-id 'try 1' --logical-date 2026-03-01T00:00:00Z"
    );
}
