//! The end of an instance: asked to go, it loses nothing that is on its way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::instance::{Instance, until};

fn connect(instance: &Instance) -> TcpStream {
    let stream = TcpStream::connect(instance.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn get(stream: &mut TcpStream, path: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-tidegate-tenant: acme\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
}

fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"}") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn requests_under_way_and_on_idle_connections_are_answered() {
    let data = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(data.path(), "api");
    let (mut idle, mut slow) = (connect(&instance), connect(&instance));
    get(&mut idle, "/points/ada");
    assert!(read_answer(&mut idle).starts_with("HTTP/1.1 200"));
    get(&mut slow, "/slow?milliseconds=1500");

    instance.signal(Signal::TERM);
    until("it stops accepting", || TcpStream::connect(instance.address).is_err());
    get(&mut idle, "/points/ada");
    let answer = read_answer(&mut idle);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    let answer = read_answer(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(instance.wait().success());
}

#[test]
fn an_idle_connection_does_not_keep_it() {
    let data = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(data.path(), "admin");
    let mut idle = connect(&instance);
    get(&mut idle, "/admin");
    assert!(read_answer(&mut idle).starts_with("HTTP/1.1 200"));
    instance.signal(Signal::TERM);
    assert!(instance.wait().success());
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
}
