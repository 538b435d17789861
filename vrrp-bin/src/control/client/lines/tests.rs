//! A daemon that hangs, breaks off or ends in order.

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::{Instant, sleep},
};

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Opens an answer, and returns both of its ends.
async fn opened(folder: &TempDir) -> (Lines, UnixStream) {
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let answer = async {
        let (mut daemon, _) = listener.accept().await.unwrap();
        let _asked = daemon.read(&mut [0; 4096]).await.unwrap();
        daemon.write_all(HEAD.as_bytes()).await.unwrap();
        daemon
    };
    let (lines, daemon) = tokio::join!(Lines::open(&path, "/events"), answer);
    (lines.unwrap(), daemon)
}

async fn say(daemon: &mut UnixStream, chunk: &str) {
    let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
    daemon.write_all(chunk.as_bytes()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lines_are_put_together_and_comments_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut lines, mut daemon) = opened(&folder).await;
    for chunk in [":\n", "{\"a\"", ":1}\n{\"b\":2}\n:", " so\n\n", "{}\n"] {
        say(&mut daemon, chunk).await;
    }
    for expected in ["{\"a\":1}", "{\"b\":2}", "{}"] {
        assert_eq!(lines.next().await.unwrap().unwrap(), expected.as_bytes());
    }
    daemon.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(lines.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn silence_is_an_error_after_fifteen_seconds_and_comments_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut lines, mut daemon) = opened(&folder).await;
    let begun = Instant::now();
    let talk = async {
        for _ in 0..4 {
            sleep(Duration::from_secs(5)).await;
            say(&mut daemon, ":\n").await;
        }
        sleep(Duration::from_secs(60)).await;
    };
    let error = tokio::select! {
        line = lines.next() => line.unwrap_err(),
        () = talk => panic!("it went on waiting"),
    };
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert_eq!(error.exit_status(), crate::cli::FAILED);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(35) && waited < Duration::from_secs(37), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_is_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut lines, mut daemon) = opened(&folder).await;
    say(&mut daemon, "{}\n{").await;
    assert_eq!(lines.next().await.unwrap().unwrap(), b"{}");
    drop(daemon);
    let error = lines.next().await.unwrap_err();
    assert!(matches!(error, Error::BrokenOff { .. }), "{error}");
}
