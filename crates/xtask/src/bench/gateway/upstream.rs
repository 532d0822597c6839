//! What all contenders forward to: two versions of a service that does nothing but answer.

use std::net::SocketAddr;
use std::path::Path;

use super::super::process::{Process, free_address, get};
use super::{command, write};

/// Both versions, served by one nginx with one worker.
pub struct Upstream {
    pub versions: [SocketAddr; 2],
    _process: Process,
}

impl Upstream {
    pub fn start(nginx: &Path, folder: &Path) -> Result<Self, String> {
        let versions = [free_address()?, free_address()?];
        let [one, two] = [(versions[0], 1), (versions[1], 2)].map(|(address, version)| {
            let body = body(version);
            format!(
                "server {{ listen {address}; location / {{ default_type application/json; return 200 '{body}'; }} }}"
            )
        });
        let file = folder.join("upstream.conf");
        write(
            &file,
            &nginx_configuration(folder, "upstream", &format!("{one}\n{two}")),
        )?;
        let log = folder.join("upstream.log");
        let mut process = Process::start(&mut command(nginx, &["-c", &file.display().to_string()]), &log)?;
        process.ready("nginx, as the service,", &log, || {
            versions.iter().all(|address| get(*address, "/", "").is_some())
        })?;
        Ok(Self {
            versions,
            _process: process,
        })
    }
}

/// What a version answers: 82 bytes of JSON.
pub fn body(version: usize) -> String {
    format!(
        "{{\"version\": \"{version}\", \"points\": 120, \"coupons\": [\"spring\", \"welcome\"], \"level\": \"gold\"}}"
    )
}

/// One nginx process in the foreground that keeps all its files in `folder`.
pub fn nginx_configuration(folder: &Path, name: &str, http: &str) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{name}-{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/{name}.pid;\nerror_log {folder}/{name}.error;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\naccess_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 3600;\n{temporary}{http}\n}}\n"
    )
}
