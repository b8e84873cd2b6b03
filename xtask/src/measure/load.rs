//! Requests as fast as answers come, on connections that are kept; and a server that always says
//! the same, to hold the figures against.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const BODY: &str = "[[5.1,3.5,1.4,0.2]]";
/// About as long as a prediction.
const CONSTANT: &str =
    r#"[{"label":"setosa","probabilities":{"setosa":0.98,"versicolor":0.01,"virginica":0.01}}]"#;

/// Returns how many predictions a server gives in a second.
pub(super) fn per_second(addr: &str, clients: usize, lasting: Duration) -> Result<f64, String> {
    let start = Instant::now();
    let count = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = connect(addr)?;
                    let mut count = 0_u64;
                    while start.elapsed() < lasting {
                        predict(addr, &mut stream)?;
                        count += 1;
                    }
                    Ok::<u64, std::io::Error>(count)
                })
            })
            .collect();
        clients.into_iter().try_fold(0, |sum, client| match client.join() {
            Ok(Ok(count)) => Ok(sum + count),
            Ok(Err(error)) => Err(format!("a client of {addr}: {error}")),
            Err(_) => Err("a client panicked".to_owned()),
        })
    })?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Says whether a prediction is answered.
pub(super) fn answers(addr: &str) -> bool {
    connect(addr).is_ok_and(|mut stream| predict(addr, &mut stream).is_ok())
}

fn connect(addr: &str) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(BufReader::new(stream))
}

fn predict(addr: &str, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let request = format!(
        "POST /predict HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.get_mut().write_all(request.as_bytes())?;
    let first = message(stream)?;
    if first.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    Err(std::io::Error::other(format!("it said {first:?}")))
}

/// Reads one message to its end; returns its first line.
fn message(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let (mut first, mut line) = (String::new(), String::new());
    if stream.read_line(&mut first)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(first)
}

/// Starts it, a thread for each connection; it ends with this process. Returns where.
pub(super) fn constant_server() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let addr = listener.local_addr().map_err(|e| e.to_string())?.to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || constant(stream));
        }
    });
    Ok(addr)
}

fn constant(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CONSTANT}",
        CONSTANT.len()
    );
    // Ends when the client goes.
    loop {
        message(&mut stream)?;
        stream.get_mut().write_all(answer.as_bytes())?;
    }
}
