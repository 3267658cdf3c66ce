//! Signals end the wrapped client as they end the bare one, and leave nothing behind.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::keys::{wait_for_any_prompt, wait_until_busy};
use super::steps::production;
use crate::support::pty::Pty;
use crate::support::tool::{Tool, needs};
use crate::support::world::{Tier, World, run};

/// What a job can be sent.
const SIGNALS: [Signal; 6] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGKILL,
];

/// What the client does when the signal comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Prompt,
    Query,
    Script,
}

/// Sends the signal and returns the status a shell would see; none where the client goes on.
fn sent(world: &World, command: Command, at: At, signal: Signal) -> Option<i32> {
    let mut pty = Pty::spawn(command);
    if at != At::Script {
        pty.wait_for_prompt(&world.database.prompt());
        // The prompt is there a moment before its line editor heeds signals.
        pty.wait_for_silence(Duration::from_millis(50));
    }
    if at == At::Query {
        pty.line("select pg_sleep(30);");
    }
    if at != At::Prompt {
        wait_until_busy(&mut pty, world, "pg_sleep(30)");
    }
    pty.kill(signal);
    if signal == Signal::SIGINT && at != At::Script {
        // psql stays: the line or the query is thrown away.
        wait_for_any_prompt(&mut pty, world);
        pty.wait_for_silence(Duration::from_millis(50));
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
        return None;
    }
    let status = pty.wait_for_exit();
    status.code().or(status.signal().map(|signal| 128 + signal))
}

#[test]
fn signals_end_it_as_bare() {
    let Some(world) = production() else { return };
    world.write("sleep.sql", "select 1;\n\\echo on\nselect pg_sleep(30);\nselect 'after';\n");
    let uri = world.database.uri("app");
    for at in [At::Prompt, At::Query, At::Script] {
        let mut args = vec![uri.as_str()];
        if at == At::Script {
            args.extend(["-f", "sleep.sql"]);
        }
        for signal in SIGNALS {
            let bare = sent(&world, world.bare(&args), at, signal);
            // A bare client that is killed leaves its query to the server for a while.
            world.database.end_all();
            let wrapped = sent(&world, world.wrapped(&args), at, signal);
            assert_eq!(wrapped, bare, "{signal} at {at:?}");
            world.assert_nothing_left();
            world.database.end_all();
        }
    }
    world.database.assert_untouched();
}

/// Interrupts a run that has no terminal, the process that was started alone or its whole group, and
/// returns what came of it.
fn interrupted(world: &World, mut command: Command, whole_group: bool) -> Output {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process number"));
    let whom = if whole_group { Pid::from_raw(-pid.as_raw()) } else { pid };
    world.database.wait_until_running("pg_sleep(30)");
    kill(whom, Signal::SIGINT).expect("it is there");
    child.wait_with_output().expect("it ends")
}

/// What a supervisor, `kill -INT $!` and Ctrl-C under `make` send, to a run at full speed and to one
/// that asks. The server is asked to cancel once.
#[test]
fn runs_without_a_terminal_are_interrupted_as_bare() {
    let Some(world) = production() else { return };
    world.write("asks.sql", "\\echo on\nselect pg_sleep(30);\n\\echo after\n");
    let uri = world.database.uri("app");
    for run in [["-c", "select pg_sleep(30)"], ["-f", "asks.sql"]] {
        let args = [&[uri.as_str()], &run[..]].concat();
        for whole_group in [false, true] {
            for is_ignored in [false, true] {
                let [bare, wrapped] = [world.bare(&args), world.wrapped(&args)].map(|command| {
                    let command = if is_ignored { deaf(&world, &command) } else { command };
                    let output = interrupted(&world, command, whole_group);
                    let said = [output.stdout, output.stderr]
                        .map(|text| String::from_utf8(text).expect("text"));
                    (output.status.code(), output.status.signal(), said)
                });
                assert_eq!(wrapped, bare, "{run:?}, group {whole_group}, ignored {is_ignored}");
            }
        }
    }
    world.assert_nothing_left();
}

/// The command, started as a shell starts what it runs in the background: with SIGINT ignored.
fn deaf(world: &World, command: &Command) -> Command {
    let mut shell = world.command("/bin/sh");
    shell.args(["-c", "trap '' INT; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

/// Stopped and continued by signals from elsewhere, as `kill -STOP` and job tools send them.
#[test]
fn stopped_and_continued_by_signals() {
    let Some(world) = production() else { return };
    for signal in [Signal::SIGTSTP, Signal::SIGSTOP] {
        let mut pty = world.open();
        pty.line("select pg_sleep(2);");
        wait_until_busy(&mut pty, &world, "pg_sleep(2)");
        pty.kill(signal);
        pty.wait_for_stop();
        pty.foreground();
        wait_for_any_prompt(&mut pty, &world);
        pty.line("select 40 + 2;");
        pty.wait_for("42");
        wait_for_any_prompt(&mut pty, &world);
        pty.line("\\q");
        assert_eq!(pty.finish().code(), Some(0), "{}", pty.dump());
    }
    world.assert_nothing_left();
}

/// A session that is stopped in the background cannot take the terminal, and ends all the same.
#[test]
fn a_stopped_job_ends_when_it_is_told() {
    if !needs(&[Tool::Psql, Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Production);
    let script = "set -m; \"$@\" & until [ -n \"$(jobs -s)\" ]; do :; done; kill %1; \
                  while kill -0 $! 2> /dev/null; do :; done; wait $!; echo ended $?";
    let wrapped = world.wrapped([world.database.uri("app")]);
    let mut command = world.command("/bin/bash");
    command.args(["-c", script, "bash"]).arg(wrapped.get_program()).args(wrapped.get_args());
    let mut pty = Pty::spawn(command);
    pty.wait_for("ended 143");
    pty.wait_for_exit();
    world.assert_nothing_left();
}

/// The client gets the signal as well, and its end may be told together with ours.
#[test]
fn a_script_whose_group_is_told_to_end_does() {
    if !needs(&[Tool::Psql, Tool::Postgres]) {
        return;
    }
    let world = World::new(Tier::Development);
    let script = format!("\\echo x\n{}", "select 1;\n".repeat(100_000));
    for hundredths in [30, 34, 38, 42, 46, 50] {
        let mut command = world.command("timeout");
        command.arg(format!("0.{hundredths}"));
        let wrapped = world.wrapped([world.database.uri("app")]);
        command.arg(wrapped.get_program()).args(wrapped.get_args());
        assert_eq!(run(command, &script).status.code(), Some(124), "after 0.{hundredths} s");
        world.assert_nothing_left();
    }
}
