//! A NATS server of one's own, on loopback.

use super::PATIENCE;
use std::env;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A server, which ends with this.
pub struct Server {
    process: Child,
    program: PathBuf,
    arguments: Vec<String>,
    pub port: u16,
}

/// The program that [`use_program`] named.
static PROGRAM: Mutex<Option<PathBuf>> = Mutex::new(None);

/// From now on, servers are this program.
pub fn use_program(program: &Path) {
    *PROGRAM.lock().expect("no panic") = Some(program.into());
}

/// The program: that of [`use_program`], that of `NATS_SERVER`, or that of `ci/setup.sh`.
pub fn program() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = PROGRAM.lock().expect("no panic").clone().or_else(|| env::var_os("NATS_SERVER").map(PathBuf::from));
    // (A relative path is one from the package, wherever this runs.)
    let program = package.join(named.unwrap_or_else(|| "server/pypi/nats-server".into()));
    assert!(program.exists(), "there is no server at {}: ci/setup.sh gets one", program.display());
    program
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&program(), &[])
    }

    /// With more arguments for its command line.
    pub fn start_with(program: &Path, arguments: &[&str]) -> Self {
        let mut patience = 10;
        loop {
            // Somebody may take the port in between.
            let port = free_port();
            let arguments: Vec<_> = arguments.iter().copied().map(String::from).collect();
            let mut process = spawn(program, port, &arguments);
            if is_ready(&mut process, port) {
                return Self { process, program: program.into(), arguments, port };
            }
            patience -= 1;
            assert!(patience > 0, "{} does not start", program.display());
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// SIGKILL, and no server any more.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again after it was killed, on the same port.
    pub fn restart(&mut self) {
        let begun = Instant::now();
        loop {
            self.process = spawn(&self.program, self.port, &self.arguments);
            if is_ready(&mut self.process, self.port) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not start again");
        }
    }

    /// SIGSTOP: it holds its connections and does nothing.
    pub fn freeze(&self) {
        self.signal("STOP");
        // Each of its threads stops when it comes to it.
        let begun = Instant::now();
        while !self.is_stopped() {
            assert!(begun.elapsed() < PATIENCE, "the server does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether all of its threads are stopped, as far as this system says so.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.process.id())) else { return true };
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // Its name, in brackets, comes before its state.
            stat.rsplit(") ").next().is_none_or(|rest| rest.starts_with('T'))
        })
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id();
        let status = Command::new("sh").arg("-c").arg(format!("kill -{signal} {pid}")).status();
        assert!(status.is_ok_and(|status| status.success()), "cannot send {signal}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, port: u16, arguments: &[String]) -> Child {
    Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()))
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until it says its first word. Says whether it did.
fn is_ready(process: &mut Child, port: u16) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if process.try_wait().is_ok_and(|status| status.is_some()) {
            return false;
        }
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            let mut word = [0; 4];
            let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
            if stream.read_exact(&mut word).is_ok() && &word == b"INFO" {
                return process.try_wait().is_ok_and(|status| status.is_none());
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = process.kill();
    let _ = process.wait();
    false
}
