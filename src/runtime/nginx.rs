//! The configuration of an nginx in front of replicas: weights, connections that are kept, another
//! try on the next replica, passive checks. Predictions change nothing, so that one that got no
//! answer may be asked again elsewhere.

use std::fmt::Write as _;
use std::time::Duration;

/// Connections to clients and replicas, of each worker.
const CONNECTIONS_MAX: u32 = 8192;

/// Connections to the replicas that are kept open, of each worker.
const KEPT_MAX: u32 = 256;

/// Of packed bodies there is no more to hold in memory; what is longer goes to a file.
const BODY_IN_MEMORY: &str = "256k";

/// What stands in front of what. All texts must be [`is_plain`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// `ADDRESS:PORT`
    pub listen: String,
    /// `ADDRESS:PORT` or `unix:PATH`, with its weight.
    pub replicas: Vec<(String, u32)>,
    /// Who answers what is about all replicas, and everything where none of them can.
    pub main: Option<String>,
    /// A certificate and its key.
    pub tls: Option<(String, String)>,
    pub body_bytes_max: u64,
    /// Within which a replica answers by itself.
    pub timeout: Duration,
    /// All that it writes goes into the folder that it is started in.
    pub is_ours: bool,
    /// Its workers stay root: the replicas' sockets are for their owner only.
    pub is_root: bool,
}

/// Says whether a text stands for itself in a configuration.
pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| "\"'\\$;{}#".contains(c) || c.is_control())
}

impl Front {
    /// Writes the configuration.
    pub fn text(&self) -> String {
        let mut out = String::from("# Written by dagdeck. What is changed here is lost.\n");
        self.outside(&mut out);
        out.push_str("http {\n");
        self.settings(&mut out);
        self.upstream(&mut out);
        self.server(&mut out);
        out.push_str("}\n");
        out
    }

    fn outside(&self, out: &mut String) {
        if self.is_root {
            out.push_str("user root;\n");
        }
        if self.is_ours {
            out.push_str("daemon off;\npid nginx.pid;\nerror_log nginx.log warn;\n");
        }
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            out,
            "worker_processes auto;\nworker_rlimit_nofile {};\n\
             events {{ worker_connections {CONNECTIONS_MAX}; }}",
            CONNECTIONS_MAX * 2
        );
    }

    fn settings(&self, out: &mut String) {
        let secs = self.timeout.as_secs() + 5;
        if self.is_ours {
            for (what, folder) in [
                ("client_body", "body"),
                ("proxy", "proxy"),
                ("fastcgi", "fastcgi"),
                ("uwsgi", "uwsgi"),
                ("scgi", "scgi"),
            ] {
                let _ = writeln!(out, "    {what}_temp_path temp-{folder};");
            }
        }
        let _ = write!(
            out,
            "    access_log off;
    server_tokens off;
    client_max_body_size {};
    client_body_buffer_size {BODY_IN_MEMORY};
    client_header_timeout 10s;
    client_body_timeout 30s;
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    reset_timedout_connection on;
    proxy_http_version 1.1;
    proxy_set_header Connection \"\";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_max_temp_file_size 0;
    proxy_connect_timeout 1s;
    proxy_read_timeout {secs}s;
    proxy_next_upstream error timeout non_idempotent;
",
            self.body_bytes_max
        );
    }

    fn upstream(&self, out: &mut String) {
        out.push_str("    upstream replicas {\n        least_conn;\n");
        for (address, weight) in &self.replicas {
            let _ = writeln!(
                out,
                "        server {address} weight={weight} max_fails=3 fail_timeout=1s;"
            );
        }
        if let Some(main) = &self.main {
            let _ = writeln!(out, "        server {main} backup;");
        }
        // Less than the 75 s after which a replica closes one that is idle.
        let _ = writeln!(
            out,
            "        keepalive {KEPT_MAX};\n        keepalive_timeout 60s;\n        \
             keepalive_requests 1000000;\n    }}"
        );
    }

    fn server(&self, out: &mut String) {
        out.push_str("    server {\n");
        match &self.tls {
            None => {
                let _ = writeln!(out, "        listen {};", self.listen);
            }
            Some((certificate, key)) => {
                let _ = writeln!(
                    out,
                    "        listen {} ssl http2;\n        ssl_certificate \"{certificate}\";\n        \
                     ssl_certificate_key \"{key}\";\n        ssl_protocols TLSv1.2 TLSv1.3;",
                    self.listen
                );
            }
        }
        out.push_str("        location / { proxy_pass http://replicas; }\n");
        match &self.main {
            Some(main) => {
                // Of all replicas together, what changes what is served, and what is kept of it.
                for place in ["= /metrics", "/v2/repository/", "= /outcomes"] {
                    let _ =
                        writeln!(out, "        location {place} {{ proxy_pass http://{main}; }}");
                }
            }
            None => out.push_str(
                "        location = /metrics {\n            default_type application/json;\n            \
                 return 404 '{\"error\": \"each replica has figures of its own: ask them\"}';\n        }\n",
            ),
        }
        out.push_str(
            "        error_page 413 @too_large;
        error_page 502 504 @nobody;
        location @too_large {
            default_type application/json;
            return 413 '{\"error\": \"the body is larger than max_body_bytes\"}';
        }
        location @nobody {
            default_type application/json;
            add_header Retry-After 1 always;
            return 503 '{\"error\": \"no replica answers\"}';
        }
    }
",
        );
    }
}

#[cfg(test)]
mod tests;
