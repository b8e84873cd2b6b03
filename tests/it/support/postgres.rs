//! A PostgreSQL of the tests' own: a folder, a port and a superuser; it ends with the process that
//! started it, however that ends.
//!
//! Used by the tests of the library too, which include this file.
#![allow(dead_code, reason = "each of the two that include it uses a part")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Starts the server, says that it did, and ends it and removes its folder when nobody holds the
/// other end of the standard input any more.
const KEEPER: &str = r#"
trap '' INT TERM
cd "$1" || exit 1
"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log 2>&1 || { cat initdb.log; exit 1; }
[ -n "$4" ] && cat >>data/postgresql.conf <<END
$4
END
cp server.crt server.key data/ 2>/dev/null && chmod 600 data/server.key
"$2/postgres" -D data -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$1" \
    -c fsync=off -c max_connections=50 >server.log 2>&1 &
server=$!
until "$2/pg_isready" -q -h 127.0.0.1 -p "$3"; do
    kill -0 $server 2>/dev/null || { cat server.log; exit 1; }
    sleep 0.05
done
echo "$server"
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
cd / && rm -rf "$1"
"#;

/// A running server.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    pub(crate) pid: u32,
    databases: AtomicU32,
    bin: PathBuf,
    _keeper: Child,
    _alive: ChildStdin,
}

impl Postgres {
    /// Returns the server that the tests of this process share. `initdb` is the path of that
    /// program; its siblings are beside it.
    pub(crate) fn shared(initdb: &Path) -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(initdb, ""))
    }

    /// Starts one with further lines for its configuration.
    pub(crate) fn start(initdb: &Path, configuration: &str) -> Self {
        Self::start_with(initdb, configuration, &[])
    }

    /// The same, with files that lie in its folder when it starts.
    pub(crate) fn start_with(initdb: &Path, configuration: &str, files: &[(&str, &[u8])]) -> Self {
        // A link on the path has none of its siblings beside it.
        let bin = fs::canonicalize(initdb).unwrap().parent().unwrap().to_path_buf();
        let folder = tempfile::Builder::new().prefix("dagdeck-pg").tempdir().unwrap().keep();
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // PostgreSQL refuses to run as root.
        let is_root = rustix::process::geteuid().is_root();
        let mut command = if is_root {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(&folder).status();
            assert!(owned.unwrap().success(), "there is no user `postgres`");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut keeper = command
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(&bin)
            .args([&port.to_string(), configuration])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let alive = keeper.stdin.take().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let pid = said.trim().parse().unwrap_or_else(|_| panic!("PostgreSQL: {said}"));
        let databases = AtomicU32::new(0);
        Self { port, folder, pid, databases, bin, _keeper: keeper, _alive: alive }
    }

    /// Makes an empty database and returns its URL.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("create database {name}"));
        self.url(&name)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements, and returns the rows as lines, their fields apart by `|`; or what `psql`
    /// says of them.
    pub(crate) fn try_psql(&self, database: &str, sql: &str) -> Result<Vec<String>, String> {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-U", "postgres", "-p", &self.port.to_string(), "-d", database, "-c", sql])
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// Runs statements that must succeed.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Vec<String> {
        self.try_psql(database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    /// The same, in the database of a URL.
    pub(crate) fn rows(&self, url: &str, sql: &str) -> Vec<String> {
        self.psql(name_in(url), sql)
    }
}

/// Returns the name of the database that a URL leads to.
pub(crate) fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}
