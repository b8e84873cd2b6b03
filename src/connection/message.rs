//! Messages to people: the event feed and log, or a webhook.
