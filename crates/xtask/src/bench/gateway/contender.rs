//! The programs that are compared, each with the same task in its own words.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::process::{Process, free_address, get, memory, processor_time};
use super::publisher::Publisher;
use super::upstream::{Upstream, body, nginx_configuration};
use super::{OURS, command, tenants, write};

/// A proxy that runs and forwards by tenant.
pub struct Contender {
    pub name: &'static str,
    pub address: SocketAddr,
    process: Process,
}

impl Contender {
    pub fn ours(binary: &Path, folder: &Path, upstream: &Upstream) -> Result<Self, String> {
        Self::following(binary, folder, &Publisher::start(&table(&upstream.versions))?)
    }

    /// Ours with a publisher of one's own.
    pub fn following(binary: &Path, folder: &Path, publisher: &Publisher) -> Result<Self, String> {
        let (address, admin) = (free_address()?, free_address()?);
        fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        let token = folder.join("gateway.token");
        write(&token, "benchmark\n")?;
        let mut command = command(binary, &["gateway", "--threads", "1"]);
        command
            .args(["--listen", &address.to_string(), "--admin", &admin.to_string()])
            .args(["--server", &publisher.url()])
            .arg("--token-file")
            .arg(&token)
            .arg("--state")
            .arg(folder.join("state"));
        Self::start(OURS, address, &mut command, folder)
    }

    /// The tenant's group of servers comes from a `map`, which is a hash table.
    pub fn nginx(file: &Path, folder: &Path, upstream: &Upstream) -> Result<Self, String> {
        let address = free_address()?;
        let mut http = "map_hash_max_size 65536;\nmap_hash_bucket_size 128;\nmap $http_x_tenant $group {\n".to_owned();
        for (tenant, version) in tenants() {
            let _ = writeln!(http, "{tenant} version{version};");
        }
        http.push_str("}\n");
        for (version, server) in (1..).zip(upstream.versions) {
            let _ = writeln!(
                http,
                "upstream version{version} {{ server {server}; keepalive 64; keepalive_requests 1000000000; }}"
            );
        }
        let _ = writeln!(
            http,
            "server {{\nlisten {address};\nlocation / {{\nproxy_pass http://$group;\nproxy_http_version 1.1;\n\
             proxy_set_header Connection \"\";\nproxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme;\nproxy_set_header X-Forwarded-Host $host;\n}}\n}}"
        );
        let configuration = folder.join("nginx.conf");
        write(&configuration, &nginx_configuration(folder, "nginx", &http))?;
        let mut command = command(file, &["-c", &configuration.display().to_string()]);
        Self::start("nginx", address, &mut command, folder)
    }

    /// The tenant's group of servers comes from a map file, which is a tree.
    pub fn haproxy(file: &Path, folder: &Path, upstream: &Upstream) -> Result<Self, String> {
        let address = free_address()?;
        let map = folder.join("haproxy.map");
        let lines = tenants().map(|(tenant, version)| format!("{tenant} version{version}\n"));
        write(&map, &lines.collect::<String>())?;
        let mut text = format!(
            "global\nnbthread 1\nmaxconn 4096\n\
             defaults\nmode http\ntimeout connect 2s\ntimeout client 1h\ntimeout server 60s\n\
             option http-keep-alive\nhttp-reuse always\noption forwardfor\n\
             frontend clients\nbind {address}\nhttp-request set-header x-forwarded-proto http\n\
             http-request set-header x-forwarded-host %[req.hdr(host)]\n\
             use_backend %[req.hdr(x-tenant),map_str({})]\n",
            map.display()
        );
        for (version, server) in (1..).zip(upstream.versions) {
            let _ = writeln!(text, "backend version{version}\nserver one {server}");
        }
        let configuration = folder.join("haproxy.conf");
        write(&configuration, &text)?;
        let mut command = command(file, &["-db", "-f", &configuration.display().to_string()]);
        Self::start("haproxy", address, &mut command, folder)
    }

    /// The tenant's cluster comes from a matcher tree with an exact map, which is a hash table; a list of routes with
    /// header matches would be searched from its begin for every request.
    pub fn envoy(file: &Path, folder: &Path, upstream: &Upstream) -> Result<Self, String> {
        let address = free_address()?;
        let configuration = folder.join("envoy.json");
        write(&configuration, &envoy_configuration(address, upstream))?;
        let mut command = command(file, &["--concurrency", "1", "--disable-hot-restart"]);
        command.args(["--log-level", "error", "-c"]).arg(&configuration);
        Self::start("envoy", address, &mut command, folder)
    }

    fn start(name: &'static str, address: SocketAddr, command: &mut Command, folder: &Path) -> Result<Self, String> {
        let log = folder.join(format!("{name}.log"));
        let mut process = Process::start(command, &log)?;
        process.ready(name, &log, || serves(address, 1, 2))?;
        Ok(Self { name, address, process })
    }

    /// Whether it sends tenants where they belong.
    pub fn check(&self) -> Result<(), String> {
        for (tenant, version) in [(1, 2), (2, 1), (9_999, 2), (10_000, 1)] {
            if !serves(self.address, tenant, version) {
                return Err(format!("{} does not send t{tenant} to version {version}", self.name));
            }
        }
        Ok(())
    }

    pub fn processor_time(&self) -> Result<Duration, String> {
        processor_time(self.process.id())
    }

    pub fn memory(&self) -> Result<f64, String> {
        memory(self.process.id())
    }
}

/// Whether a tenant's request is answered by this version.
fn serves(address: SocketAddr, tenant: usize, version: usize) -> bool {
    let answer = get(address, "/", &format!("x-tenant: t{tenant}\r\n"));
    answer.is_some_and(|answer| answer.contains(&body(version)))
}

/// Our routing table. Versions beyond the second are nobody's.
pub fn table(versions: &[SocketAddr]) -> String {
    let group = |wanted: usize| {
        let tenants = tenants().filter(|(_, version)| *version == wanted);
        let names: Vec<String> = tenants.map(|(tenant, _)| format!("\"{tenant}\"")).collect();
        format!(
            "{{\"version\": \"cell/{wanted}\", \"tenants\": [{}]}}",
            names.join(", ")
        )
    };
    let slot = |version: usize, address: SocketAddr| {
        format!(
            "\"cell.web.{version}\": {{\"component\": \"web\", \"version\": \"{version}\", \"cell\": \"cell\", \
             \"instances\": [{{\"id\": \"one\", \"address\": \"{address}\"}}]}}"
        )
    };
    let version = |version: usize| {
        format!(
            "\"cell/{version}\": {{\"label\": \"{version}\", \"cell\": \"cell\", \
             \"slots\": {{\"web\": \"cell.web.{version}\"}}}}"
        )
    };
    let all = || (1..).zip(versions.iter().copied());
    let slots: Vec<String> = all().map(|(number, address)| slot(number, address)).collect();
    let versions: Vec<String> = all().map(|(number, _)| version(number)).collect();
    format!(
        "{{\"format\": 1, \"epoch\": \"benchmark\", \"generation\": 1, \"service\": \"benchmark\",\n\
         \"tenant_from\": [{{\"header\": \"x-tenant\"}}], \"components\": [{{\"name\": \"web\"}}],\n\
         \"slots\": {{{}}},\n\"versions\": {{{}}},\n\"routes\": [{}, {}]}}",
        slots.join(", "),
        versions.join(", "),
        group(1),
        group(2),
    )
}

fn envoy_configuration(address: SocketAddr, upstream: &Upstream) -> String {
    let socket = |address: SocketAddr| {
        format!(
            r#"{{"socket_address": {{"address": "{}", "port_value": {}}}}}"#,
            address.ip(),
            address.port()
        )
    };
    let clusters = (1..).zip(upstream.versions).map(|(version, server)| {
        format!(
            r#"{{"name": "version{version}", "connect_timeout": "2s", "load_assignment": {{"cluster_name": "version{version}",
            "endpoints": [{{"lb_endpoints": [{{"endpoint": {{"address": {}}}}}]}}]}}}}"#,
            socket(server)
        )
    });
    let clusters: Vec<String> = clusters.collect();
    let routes = tenants().map(|(tenant, version)| {
        format!(
            r#""{tenant}": {{"action": {{"name": "route", "typed_config": {{
            "@type": "type.googleapis.com/envoy.config.route.v3.Route",
            "match": {{"prefix": "/"}}, "route": {{"cluster": "version{version}"}}}}}}}}"#
        )
    });
    let routes: Vec<String> = routes.collect();
    format!(
        r#"{{"static_resources": {{"clusters": [{}], "listeners": [{{"address": {}, "filter_chains": [{{"filters": [{{
        "name": "envoy.filters.network.http_connection_manager", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients", "use_remote_address": true, "generate_request_id": false,
        "http_filters": [{{"name": "envoy.filters.http.router", "typed_config": {{
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}],
        "route_config": {{"virtual_hosts": [{{"name": "all", "domains": ["*"], "matcher": {{"matcher_tree": {{
        "input": {{"name": "tenant", "typed_config": {{
        "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "x-tenant"}}}},
        "exact_match_map": {{"map": {{{}}}}}}}}}}}]}}}}}}]}}]}}]}}}}"#,
        clusters.join(", "),
        socket(address),
        routes.join(",\n"),
    )
}
