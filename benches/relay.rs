//! What wrapping costs: the bare client, the least a relay can do, nightlatch, and the other programs
//! that put a client on an inner terminal, measured in turns within one run.
//!
//! `cargo bench --bench relay -- [--megabytes N] [--rounds N] [--inserts N]`
//!
//! Nothing here passes or fails. Absolute numbers are the machine's; the ratios to the bare client and
//! to the minimal relay are what counts.
#![expect(unsafe_code, reason = "the minimal relay forks onto a pty")]

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use nightlatch::clock::Clock;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, write};

mod figures;
#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, reason = "the tests need more of it than the benchmark")]
mod support;

use figures::milliseconds;
use support::pty::Pty;
use support::tool::{Tool, find, needs};
use support::world::{Tier, World};

/// Keys pressed to measure the echo, for each way of running.
const KEYS: usize = 400;

/// The line that ends psql 15's question.
const CLOSING: &[u8] =
    b"***(press return to proceed or enter x and return to cancel)********************\n";

fn main() -> io::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--minimal-relay") => return minimal_relay(&args[1..]),
        Some("--answering-relay") => return answering_relay(&args[1..]),
        _ => {}
    }
    let number = |name: &str, usual: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    if !needs(&[Tool::Psql, Tool::Postgres]) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut bench = Bench { world: World::new(Tier::Development), ways: ways(), out: io::stdout() };
    let rounds = number("--rounds", 5);
    bench.start_up(rounds * 4)?;
    bench.echo()?;
    bench.throughput(number("--megabytes", 200), rounds)?;
    bench.script(number("--inserts", 20_000), rounds)?;
    Ok(ExitCode::SUCCESS)
}

/// A way of running the client.
#[derive(Debug, Clone)]
struct Way {
    name: &'static str,
    /// What comes before the client's command line.
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Bare,
    Nightlatch,
    /// A program that takes the client's words after its own.
    Before(Vec<PathBuf>),
    /// A program that takes the client's command line as one word.
    AsOneWord(Vec<PathBuf>),
}

/// Lists the ways there are on this machine.
fn ways() -> Vec<Way> {
    let own = std::env::current_exe().unwrap_or_default();
    let mut ways = vec![
        Way { name: "bare", kind: Kind::Bare },
        Way { name: "minimal relay", kind: Kind::Before(vec![own, "--minimal-relay".into()]) },
        Way { name: "nightlatch", kind: Kind::Nightlatch },
    ];
    for (name, options, is_one_word) in [
        ("script", &["-qef", "/dev/null", "-c"][..], true),
        ("rlwrap", &["-a"][..], false),
        ("asciinema", &["rec", "-q", "--overwrite", "bench.cast", "-c"][..], true),
    ] {
        let Some(program) = find(name) else { continue };
        let words = std::iter::once(program).chain(options.iter().map(PathBuf::from)).collect();
        let kind = if is_one_word { Kind::AsOneWord(words) } else { Kind::Before(words) };
        ways.push(Way { name, kind });
    }
    ways
}

impl Way {
    /// Prepares the client with these arguments to be run this way.
    fn command(&self, world: &World, args: &[String]) -> Command {
        let bare = world.bare(args);
        let words: Vec<PathBuf> =
            std::iter::once(bare.get_program()).chain(bare.get_args()).map(PathBuf::from).collect();
        match &self.kind {
            Kind::Bare => bare,
            Kind::Nightlatch => world.wrapped(args),
            Kind::Before(before) => {
                let mut command = world.command(&before[0]);
                command.args(&before[1..]).args(&words);
                command
            }
            Kind::AsOneWord(before) => {
                let quoted = words.iter().map(|word| format!("'{}'", word.display()));
                let mut command = world.command(&before[0]);
                command.args(&before[1..]).arg(quoted.collect::<Vec<_>>().join(" "));
                command
            }
        }
    }
}

/// One run of the benchmark.
struct Bench {
    world: World,
    ways: Vec<Way>,
    out: io::Stdout,
}

impl Bench {
    /// From start to the end of `select 1`, and from start to the first prompt.
    fn start_up(&mut self, rounds: u64) -> io::Result<()> {
        let once = [self.world.database.uri("app"), "-XAtc".to_owned(), "select 1".to_owned()];
        let mut to_end = vec![Vec::new(); self.ways.len()];
        let mut to_prompt = vec![Vec::new(); self.ways.len()];
        for round in 0..usize::try_from(rounds).unwrap_or(1) {
            for index in self.turns(round) {
                let (way, times) = (&self.ways[index], &mut to_end[index]);
                let clock = Clock::system();
                let mut pty = Pty::spawn(way.command(&self.world, &once));
                let leader = pty.leader().try_clone_to_owned()?;
                // Read until the last one has closed it or the state is known.
                while !pty.has_exited() {
                    drain(leader.as_fd(), Duration::from_millis(1));
                }
                times.push(clock.elapsed());
            }
            for index in self.turns(round) {
                let (way, times) = (&self.ways[index], &mut to_prompt[index]);
                let clock = Clock::system();
                let mut pty = Pty::spawn(way.command(&self.world, &self.interactive()));
                wait_for(pty.leader(), self.world.database.prompt().as_bytes());
                times.push(clock.elapsed());
                // One that is killed leaves work to the next.
                pty.line("\\q");
                pty.wait_for_exit();
            }
        }
        self.table("start to the end of -c 'select 1', ms", &to_end, milliseconds)?;
        self.table("start to the first prompt, ms", &to_prompt, milliseconds)
    }

    /// From a key to its echo.
    fn echo(&mut self) -> io::Result<()> {
        let mut sessions: Vec<Pty> = self.ways.iter().map(|way| self.open(way)).collect();
        let mut times = vec![Vec::new(); self.ways.len()];
        for key in 0..KEYS {
            for (session, times) in sessions.iter_mut().zip(&mut times) {
                let leader = session.leader();
                if key % 40 == 0 {
                    // A fresh line: Ctrl-U, and whatever it prints.
                    write(leader, b"\x15").map_err(io::Error::from)?;
                    drain(leader, Duration::from_millis(60));
                }
                let letter = b'a' + u8::try_from(key % 26).expect("a letter");
                let clock = Clock::system();
                write(leader, &[letter]).map_err(io::Error::from)?;
                wait_for(leader, &[letter]);
                times.push(clock.elapsed());
            }
        }
        self.table("key to echo, µs", &times, microseconds)
    }

    /// A large result on the terminal, and the memory of what stands between.
    fn throughput(&mut self, megabytes: u64, rounds: u64) -> io::Result<()> {
        let rows = megabytes * 10_000;
        let sql = format!(
            "copy (select repeat('x', 99) from generate_series(1, {rows})) to stdout; \
             select 'end' || 'mark';\r"
        );
        let mut times = vec![Vec::new(); self.ways.len()];
        let mut memory = vec![Vec::new(); self.ways.len()];
        let mut bytes = vec![0; self.ways.len()];
        for round in 0..usize::try_from(rounds.min(3)).unwrap_or(1) {
            for index in self.turns(round) {
                let session = self.open(&self.ways[index]);
                let clock = Clock::system();
                write(session.leader(), sql.as_bytes()).map_err(io::Error::from)?;
                bytes[index] = wait_for(session.leader(), b"endmark");
                times[index].push(clock.elapsed());
                memory[index].push(self.between());
            }
        }
        let per_second = |time: Duration| megabytes_f64(megabytes) / time.as_secs_f64();
        self.table(&format!("{megabytes} MB by COPY TO STDOUT, MB/s"), &times, per_second)?;
        let smallest = bytes.iter().min().copied().unwrap_or(0);
        for (way, bytes) in self.ways.iter().zip(&bytes) {
            if *bytes > smallest + 4096 || *bytes < rows * 100 {
                writeln!(self.out, "  {}: {bytes} bytes came, {smallest} elsewhere", way.name)?;
            }
        }
        writeln!(self.out, "\nmemory between the terminal and the client, MB")?;
        writeln!(self.out, "  {:<24}{:>10}{:>10}", "", "own share", "peak RSS")?;
        for (way, used) in self.ways.iter().zip(&memory) {
            let most = |part: fn(&Used) -> u64| {
                megabytes_f64(used.iter().map(part).max().unwrap_or(0)) / 1024.0
            };
            let (share, peak) = (most(|used| used.share), most(|used| used.peak));
            writeln!(self.out, "  {:<24}{share:>10.1}{peak:>10.1}", way.name)?;
        }
        Ok(())
    }

    /// A script of single-row INSERTs, each its own transaction.
    fn script(&mut self, inserts: u64, rounds: u64) -> io::Result<()> {
        let insert = |n| format!("insert into loaded values ({n}, 'some text of row {n}');\n");
        let plain: String = (0..inserts).map(insert).collect();
        // A meta command makes sure that the script is not run at full speed.
        let stepped = format!("\\set some_variable 1\n{plain}");
        self.world.write("plain.sql", &plain);
        self.world.write("stepped.sql", &stepped);
        self.world.database.sql("create table loaded (id int, text text)");
        self.world.database.sql("alter table loaded owner to app");
        let own = std::env::current_exe()?;
        let answering = Kind::Before(vec![own, "--answering-relay".into()]);
        let ways = [
            ("bare", "plain.sql", Kind::Bare, false),
            ("nightlatch, understood", "plain.sql", Kind::Nightlatch, false),
            ("answering relay, stepped", "stepped.sql", answering, true),
            ("nightlatch, stepped", "stepped.sql", Kind::Nightlatch, false),
        ];
        for setting in ["on", "off"] {
            self.world.set("PGOPTIONS", &format!("-c synchronous_commit={setting}"));
            let mut times = vec![Vec::new(); ways.len()];
            for _ in 0..rounds.min(3) {
                for ((name, file, kind, is_stepped), times) in ways.iter().zip(&mut times) {
                    self.world.database.sql("truncate loaded");
                    let way = Way { name, kind: kind.clone() };
                    let mut args = vec![self.world.database.uri("app"), "-qX".to_owned()];
                    args.extend(["-f".to_owned(), (*file).to_owned()]);
                    if *is_stepped {
                        args.extend(["-v".to_owned(), "SINGLESTEP=on".to_owned()]);
                    }
                    let mut command = way.command(&self.world, &args);
                    command.stdin(Stdio::null()).stdout(Stdio::null());
                    let clock = Clock::system();
                    let status = command.status()?;
                    times.push(clock.elapsed());
                    let loaded = self.world.database.count("loaded");
                    if !status.success() || loaded != inserts {
                        writeln!(self.out, "  {name}: {status}, {loaded} of {inserts} rows")?;
                    }
                }
            }
            let title =
                format!("-f with {inserts} INSERTs, s (synchronous_commit={setting}, fsync=off)");
            let names: Vec<_> = ways.iter().map(|(name, ..)| *name).collect();
            figures::rows(&mut self.out, &title, &names, &times, |time| time.as_secs_f64())?;
        }
        Ok(())
    }

    /// Returns the order of this round: each way is first, second and last equally often.
    fn turns(&self, round: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.ways.len();
        (0..count).map(move |index| (index + round) % count)
    }

    /// Returns the arguments of an interactive session.
    fn interactive(&self) -> Vec<String> {
        vec![self.world.database.uri("app"), "-X".to_owned()]
    }

    /// Opens an interactive session and waits for its prompt.
    fn open(&self, way: &Way) -> Pty {
        let pty = Pty::spawn(way.command(&self.world, &self.interactive()));
        wait_for(pty.leader(), self.world.database.prompt().as_bytes());
        drain(pty.leader(), Duration::from_millis(50));
        pty
    }

    /// Sums the memory of everything this world runs but the client and the driver.
    fn between(&self) -> Used {
        let figure = |pid: i32, file: &str, name: &str| {
            let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        let processes = self.world.processes();
        let ours = processes.iter().filter(|one| one.name != "psql");
        ours.fold(Used { share: 0, peak: 0 }, |sum, one| Used {
            share: sum.share + figure(one.pid, "smaps_rollup", "Pss:").unwrap_or(0),
            peak: sum.peak + figure(one.pid, "status", "VmHWM:").unwrap_or(0),
        })
    }

    fn table(
        &mut self,
        title: &str,
        times: &[Vec<Duration>],
        unit: impl Fn(Duration) -> f64,
    ) -> io::Result<()> {
        let names: Vec<_> = self.ways.iter().map(|way| way.name).collect();
        figures::rows(&mut self.out, title, &names, times, unit)
    }
}

/// Memory of a few processes, in kB.
#[derive(Clone)]
struct Used {
    /// With pages that several processes have counted once.
    share: u64,
    /// The most that each had, with such pages counted for each.
    peak: u64,
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn megabytes_f64(number: u64) -> f64 {
    number as f64
}

/// Reads until the bytes have come and returns how many came in all; ends the benchmark after a
/// minute of silence.
fn wait_for(fd: BorrowedFd<'_>, wanted: &[u8]) -> u64 {
    let mut buffer = [0; 65536];
    let mut tail = Vec::new();
    let mut total = 0;
    loop {
        let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::from(60_000_u16)).unwrap_or(0);
        let shown = String::from_utf8_lossy(&tail).into_owned();
        assert!(ready > 0, "nothing more came; the last was {shown:?}");
        let count = read(fd, &mut buffer).unwrap_or(0);
        assert!(count > 0, "the terminal was closed; the last was {shown:?}");
        total += u64::try_from(count).expect("a count");
        tail.extend_from_slice(&buffer[..count]);
        if tail.windows(wanted.len()).any(|window| window == wanted) {
            return total;
        }
        let keep = tail.len().saturating_sub(wanted.len().max(200));
        tail.drain(..keep);
    }
}

/// Reads whatever comes until nothing has come for the given time.
fn drain(fd: BorrowedFd<'_>, quiet: Duration) {
    let mut buffer = [0; 65536];
    let quiet = PollTimeout::try_from(quiet).expect("short");
    loop {
        let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
        if poll(&mut fds, quiet).unwrap_or(0) == 0 || read(fd, &mut buffer).unwrap_or(0) == 0 {
            return;
        }
    }
}

/// The least a relay can do: an inner terminal, a raw outer one, and one loop.
fn minimal_relay(words: &[String]) -> io::Result<ExitCode> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut raw = before.clone();
    cfmakeraw(&mut raw);
    let mut size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: stdin is open, and the kernel fills one winsize.
    unsafe { libc::ioctl(stdin.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    let ends = nix::pty::openpty(&size, &before)?;
    tcsetattr(&stdin, SetArg::TCSANOW, &raw)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let (leader, follower) = (ends.master, ends.slave);
    command.stdin(follower.try_clone()?).stdout(follower.try_clone()?).stderr(follower);
    on_own_terminal(&mut command);
    let mut client = command.spawn()?;
    drop(command);
    let mut buffer = [0; 65536];
    'relay: loop {
        let mut fds = [
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            PollFd::new(leader.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut fds, PollTimeout::NONE)?;
        let [keys, output] = fds.map(|fd| fd.any().unwrap_or(false));
        for (is_ready, from, to) in
            [(output, leader.as_fd(), io::stdout().as_fd()), (keys, stdin.as_fd(), leader.as_fd())]
        {
            if is_ready {
                let Ok(count @ 1..) = read(from, &mut buffer) else {
                    break 'relay;
                };
                let mut rest = &buffer[..count];
                while !rest.is_empty() {
                    rest = &rest[write(to, rest)?..];
                }
            }
        }
    }
    tcsetattr(&stdin, SetArg::TCSANOW, &before)?;
    let status = client.wait()?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(255)).unwrap_or(255)))
}

/// Gives the command a session of its own with its stdin as the terminal.
fn on_own_terminal(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: two async-signal-safe system calls.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        });
    }
}

/// Answers every question of a single-stepped client with an empty line, and does nothing else.
fn answering_relay(words: &[String]) -> io::Result<ExitCode> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.spawn()?;
    let mut answers = client.stdin.take().expect("piped");
    let mut output = client.stdout.take().expect("piped");
    let mut tail = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        let count = output.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        tail.extend_from_slice(&buffer[..count]);
        if tail.ends_with(CLOSING) {
            answers.write_all(b"\n")?;
            tail.clear();
        }
    }
    let status = client.wait()?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(255)).unwrap_or(255)))
}
