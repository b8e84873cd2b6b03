//! What goes wrong is named, and leaves nothing behind.

use dagdeck::connection::object::{
    Hooks, Lake, LakeError, LakeFault, Manner, Patience, Root, Transfer,
};

use super::server::{Line, Server, Way, block_on};

fn look(lake: &Lake, key: &str) -> LakeError {
    block_on(lake.head(key)).unwrap_err()
}

#[test]
fn who_may_not_is_told_why_without_their_keys() {
    let Some(server) = Server::start("who_may_not_is_told_why_without_their_keys") else { return };
    server.put("a.csv", "x");
    let (other_id, other_key) = (server.text("other_id"), server.text("other_key"));
    let wrong = "wrong-key-that-must-not-be-shown";
    let cases = [
        (vec![("access_key_id", "NOBODY"), ("secret_access_key", wrong)], "`access_key_id`"),
        (vec![("secret_access_key", wrong)], "`secret_access_key` does not belong"),
        (
            vec![("access_key_id", other_id.as_str()), ("secret_access_key", other_key.as_str())],
            "no right to do this",
        ),
    ];
    for (options, words) in cases {
        let lake = server.lake(&options);
        let secret = options.last().unwrap().1;
        for error in [look(&lake, "a.csv"), block_on(lake.ask()).unwrap_err()] {
            assert!(error.why.contains(words), "{error}");
            assert_eq!(error.fault, LakeFault::Refused);
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }
    let mut connection = server.connection(&[]);
    connection.url = "s3://pond".into();
    let error = look(&server.open(&connection, Patience::Work), "a.csv");
    assert_eq!(
        (error.why.as_str(), error.fault),
        ("there is no bucket `s3://pond`", LakeFault::Refused)
    );
}

#[test]
fn what_a_server_answers_is_said_in_words() {
    let Some(server) = Server::start("what_a_server_answers_is_said_in_words") else { return };
    let lake = server.open(&server.connection(&[]), Patience::Look);
    for (code, words, fault) in [
        // A clock is set right without us.
        ("RequestTimeTooSkewed", "the clock of this machine", LakeFault::Passing),
        ("ExpiredToken", "`session_token` is not valid any more", LakeFault::Refused),
        ("SlowDown", "overworked", LakeFault::Passing),
    ] {
        let error = look(&lake, &format!("answer-{code}.csv"));
        assert!(error.why.contains(words), "{error}");
        assert_eq!((error.fault, error.code.as_deref()), (fault, Some(code)));
    }
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_the_target_as_it_was() {
    let test = "a_server_that_dies_in_the_middle_leaves_the_target_as_it_was";
    let Some(mut server) = Server::start(test) else { return };
    let root = server.folder().join("files");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("large.bin"), vec![7; 40 << 20]).unwrap();
    let manner = Manner { project: &root, patience: Patience::Look, memory: None };
    let files = Root::Folder(root.clone()).open("files", manner).unwrap();
    let line = Line::new(&server, Way::Up, 20 << 20);
    let connection = server.connection(&[("endpoint", &line.endpoint)]);
    let lake = server.open(&connection, Patience::Look);
    let source = block_on(files.head("large.bin")).unwrap().unwrap();
    let killed = std::sync::Mutex::new(&mut server);
    let error = block_on(async {
        let began = |_: &str| {};
        let hooks = Hooks { warn: &|_| {}, upload_began: &began };
        let transfer = Transfer {
            from: &files,
            source: &source,
            to: &lake,
            key: "large.bin",
            overwrite: true,
            tag: "t",
        };
        let kill = tokio::task::spawn_blocking({
            let left = line.left();
            move || {
                while left.load(std::sync::atomic::Ordering::SeqCst) > 0 {
                    std::thread::yield_now();
                }
            }
        });
        let upload = transfer.carry_out(&hooks);
        tokio::pin!(upload);
        tokio::select! {
            done = &mut upload => return done.unwrap_err(),
            _ = kill => {}
        }
        killed.lock().unwrap().kill();
        upload.await.unwrap_err()
    });
    assert_eq!(error.fault, LakeFault::Passing, "{error}");
    assert!(error.to_string().starts_with("write `lake:large.bin`: "), "{error}");
    assert_eq!(std::fs::metadata(root.join("large.bin")).unwrap().len(), 40 << 20);
}

#[test]
fn an_upload_whose_line_is_cut_goes_on() {
    let Some(server) = Server::start("an_upload_whose_line_is_cut_goes_on") else { return };
    let root = server.folder().join("files");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("large.bin"), vec![7; 20 << 20]).unwrap();
    let manner = Manner { project: &root, patience: Patience::Work, memory: None };
    let files = Root::Folder(root.clone()).open("files", manner).unwrap();
    let line = Line::new(&server, Way::Up, 12 << 20);
    let lake = server.lake(&[("endpoint", &line.endpoint)]);
    let source = block_on(files.head("large.bin")).unwrap().unwrap();
    let hooks = Hooks { warn: &|_| {}, upload_began: &|_| {} };
    let (from, to, source) = (&files, &lake, &source);
    let transfer = Transfer { from, source, to, key: "large.bin", overwrite: true, tag: "t" };
    let arrived = block_on(transfer.carry_out(&hooks)).unwrap();
    assert_eq!((arrived.size, line.cuts(), server.uploads()), (20 << 20, 1, 0));
}

#[test]
fn tls_is_spoken_to_those_whom_the_file_vouches_for() {
    let test = "tls_is_spoken_to_those_whom_the_file_vouches_for";
    let Some(server) = Server::with(test, &["--tls"]) else { return };
    server.put("a.csv", "x\n1\n");
    let seen = block_on(server.lake(&[]).head("a.csv")).unwrap().unwrap();
    assert_eq!(seen.size, 4);
    let mut stranger = server.connection(&[]);
    stranger.options.remove("ca_file");
    let error = look(&server.open(&stranger, Patience::Look), "a.csv");
    assert!(error.why.contains("invalid peer certificate"), "{error}");
}
