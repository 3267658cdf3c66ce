//! Whether a client's tap works: the client is started for a moment, and must ask before it sends, or
//! have our hook in it say hello. It reaches no server but one of ours that does nothing.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::super::hook::{Prepared, prepare};
use crate::clients::known::{Known, TRIAL_PORT};
use crate::clients::{Asked, Command as Invocation, Hook, Launcher};
use crate::clock::Clock;
use crate::os::poll::{Wait, poll};
use crate::os::random;
use crate::os::term::Terminals;
use crate::tap::{Answer, Heard, Message};
use crate::world::World;

/// How long a client may take: some are slow to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Variables that would lead a client elsewhere.
const LEADING: &str = "PG";

/// What a server of PostgreSQL answers to whoever connects: they are let in, and it is idle.
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0\
    S\0\0\0\x18server_version\x0015.0\0\
    S\0\0\0\x19client_encoding\0UTF8\0\
    K\0\0\0\x0c\0\0\0\x01\0\0\0\x01\
    Z\0\0\0\x05I";

/// Tries the tap of a client.
///
/// # Errors
/// Returns in words why it does not work.
pub(super) fn works(
    known: &Known,
    program: &Path,
    world: &World,
    clock: Clock,
) -> Result<(), String> {
    let port = idle_server().map_err(|error| format!("no port to try it on: {error}"))?;
    let args: Vec<OsString> =
        known.trial.iter().map(|arg| arg.replace(TRIAL_PORT, &port.to_string()).into()).collect();
    let terminals = Terminals { stdin: false, stdout: false, stderr: false };
    let launcher = (known.launch)(Invocation { args: &args, terminals, program, world });
    let due = clock.elapsed() + PATIENCE;
    let left = || due.checked_sub(clock.elapsed());
    let trial = Trial { program, world, left: &left };
    match launcher.hook() {
        Some(hook) => trial.greets(&hook, &args),
        None => trial.asks(&*launcher),
    }
}

/// A client that is being tried.
struct Trial<'a> {
    program: &'a Path,
    world: &'a World,
    /// How much time is left; none when it is over.
    left: &'a dyn Fn() -> Option<Duration>,
}

impl Trial<'_> {
    fn start(&self, args: &[OsString]) -> Result<Running, String> {
        self.start_with(args, Vec::new())
    }

    fn start_with(
        &self,
        args: &[OsString],
        vars: Vec<(OsString, Option<OsString>)>,
    ) -> Result<Running, String> {
        let mut command = Command::new(self.program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let leads = |name: &&OsString| name.to_string_lossy().starts_with(LEADING);
        for name in self.world.vars.keys().filter(leads) {
            command.env_remove(name);
        }
        command.envs(vars.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let child = command.spawn().map_err(|error| format!("it does not start: {error}"))?;
        Ok(Running(child))
    }

    /// It must ask about its statement.
    fn asks(&self, launcher: &dyn Launcher) -> Result<(), String> {
        let nonce = random::token();
        let mut tap = launcher.tap(&nonce).ok_or("it has no tap")?;
        let mut client = self.start(&launcher.tapped_args(&nonce))?;
        let mut output = client.0.stdout.take().ok_or("it has no output")?;
        let (mut shown, mut seen, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
        while let Some(left) = (self.left)() {
            let mut waits = [Wait::readable(output.as_fd())];
            poll(&mut waits, Some(left)).map_err(|error| error.to_string())?;
            if !waits[0].is_ready() {
                continue;
            }
            let count = output.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                return Err("it has ended without asking".to_owned());
            }
            tap.output(&buffer[..count], &mut shown, &mut seen);
            if tap.may_ask() && matches!(tap.asked(false, &mut shown), Asked::Statement { .. }) {
                return Ok(());
            }
        }
        Err(too_long("it has not asked"))
    }

    /// Our hook in it must say hello.
    fn greets(&self, hook: &Hook, args: &[OsString]) -> Result<(), String> {
        let prepared = prepare(hook, args, self.world, None);
        let Prepared { mut server, folder, args, vars } =
            prepared.map_err(|error| error.to_string())?;
        let running = self.start_with(&args, vars);
        let said = running.and_then(|mut client| {
            while let Some(left) = (self.left)() {
                {
                    let mut waits: Vec<Wait<'_>> = server.waits().collect();
                    // Its end makes no sound here.
                    let nap = left.min(Duration::from_millis(100));
                    poll(&mut waits, Some(nap)).map_err(|error| error.to_string())?;
                }
                for heard in server.hear() {
                    if let Heard::Message(asker, message) = heard
                        && let Message::Hello { .. } = *message
                    {
                        server.answer(asker, Answer::Go);
                        return Ok(());
                    }
                }
                if matches!(client.0.try_wait(), Ok(Some(_))) {
                    return Err("it has ended, and the guard in it said nothing".to_owned());
                }
            }
            Err(too_long("the guard in it has said nothing"))
        });
        // Nothing of it is needed any more; what is left behind does no harm.
        drop(fs::remove_dir_all(folder));
        said
    }
}

fn too_long(what: &str) -> String {
    format!("{what} within {} s", PATIENCE.as_secs())
}

/// A client, which is ended with its trial.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a server that lets one client in and does nothing; returns its port.
fn idle_server() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let serve = move || {
        let Ok((stream, _)) = listener.accept() else { return };
        // Whoever goes away needs nothing more.
        drop(welcome(stream));
    };
    thread::Builder::new().name("trial".to_owned()).spawn(serve)?;
    Ok(port)
}

fn welcome(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    // What it says of itself does not matter.
    if stream.read(&mut buffer)? > 0 {
        stream.write_all(WELCOME)?;
    }
    // Until it goes.
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}
