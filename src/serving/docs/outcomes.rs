//! `POST /outcomes` in the OpenAPI document, where predictions are kept.

use serde_json::{Value, json};

use super::refused;
use crate::serving::outcomes::OUTCOMES_MAX;

pub(super) fn path() -> Value {
    let outcome = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 128,
                "description": "`X-Request-Id` of the answer"},
            "row": {"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": 0,
                "description": "Of the request, from 0"},
            "truth": {"type": ["string", "number", "boolean"],
                "description": "The label or the number that was right"},
            "reward": {"type": "number", "description": "Any number of which more is better"},
        },
        "required": ["id"],
        "anyOf": [{"required": ["truth"]}, {"required": ["reward"]}],
        "additionalProperties": false,
    });
    let problem = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string"}, "row": {"type": "integer"}, "message": {"type": "string"},
        },
        "required": ["id", "row", "message"],
    });
    json!({"post": {
        "summary": "Tells what came of predictions: each counts once",
        "description": "With an API key, or with the deck's token as `Authorization: Bearer`.",
        "operationId": "outcomes",
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "outcomes": {"type": "array", "items": outcome, "maxItems": OUTCOMES_MAX},
                },
                "required": ["outcomes"],
                "additionalProperties": false,
            },
            "example": {"outcomes": [{"id": "8f1c2f64", "row": 0, "truth": "setosa"}]},
        }}},
        "responses": {
            "200": {
                "description": "How many count, how many did already, and which have no prediction",
                "content": {"application/json": {"schema": {
                    "type": "object",
                    "properties": {
                        "counted": {"type": "integer"},
                        "repeated": {"type": "integer"},
                        "problems": {"type": "array", "items": problem},
                    },
                    "required": ["counted", "repeated", "problems"],
                }}},
            },
            "400": refused("The body or an outcome of it is wrong: none counts"),
            "401": refused("Neither a key nor the token was sent"),
            "408": refused("The body came in too slowly"),
            "413": refused("The body is too large, or has too many outcomes"),
            "415": refused("The body is compressed by neither gzip nor deflate"),
            "429": refused("The key has asked too often"),
            "503": refused("They could not be kept"),
        },
    }})
}
