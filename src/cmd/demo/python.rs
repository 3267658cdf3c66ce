//! The demonstration in Python: the loop that deleted every family, on a throw-away file that
//! counts as production. It needs a Python 3 and nothing else.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::program;
use super::server::{Stop, attend, base, clean};
use super::text::config;
use super::{exit_status, list, own_zone, say};
use crate::cli::DemoArgs;
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::os::signal::{Caught, Signals};
use crate::os::{random, start};
use crate::ui::table::View;
use crate::world::World;

/// The application.
const SHOP: &str = include_str!("shop.py");

/// Its file.
const SHOP_NAME: &str = "shop.py";

/// What happened.
const INCIDENT: &str = "for family in Family.objects: family.delete()";

/// Rows of a fresh file.
const FAMILIES: &str = "1000";

/// Random characters in the name of the folder.
const NAME_LENGTH: usize = 6;

/// Returns whether there is a Python to show it with.
pub(super) fn is_possible(world: &World) -> bool {
    program(world).is_ok()
}

fn program(world: &World) -> Result<PathBuf, Error> {
    program::find(OsStr::new("python3"), world)
}

/// Runs the demonstration.
pub(super) fn run(
    args: &DemoArgs,
    world: &World,
    clock: &Clock,
    signals: &mut Signals,
    out: &mut dyn Write,
    view: &mut View<'_>,
) -> Result<u8, Stop> {
    let shop = Shop::make(world, args.keep, program(world)?)?;
    let status = if io::stdin().is_terminal() && io::stdout().is_terminal() {
        shop.enter(world, clock, signals, out, view)?
    } else {
        shop.refuse(world, clock, signals, out, view)?
    };
    let folder = shop.folder.clone();
    drop(shop);
    say(out, &outro(&folder, args.keep))?;
    Ok(status)
}

/// The folder of everything; it goes when dropped, unless it stays.
struct Shop {
    folder: PathBuf,
    python: PathBuf,
    stays: bool,
}

impl Shop {
    fn make(world: &World, stays: bool, python: PathBuf) -> Result<Self, Error> {
        let name: String = random::token().chars().take(NAME_LENGTH).collect();
        let folder = base(world).join(format!("nightlatch-demo-{name}"));
        let cannot = |error: io::Error| {
            Error::ours("The folder for the demo cannot be made.")
                .because(error)
                .hint("Set TMPDIR to a folder that you can write to.")
        };
        DirBuilder::new().mode(0o700).create(&folder).map_err(cannot)?;
        let shop = Self { folder, python, stays };
        fs::write(shop.folder.join(SHOP_NAME), SHOP)
            .and_then(|()| {
                fs::write(
                    shop.folder.join("config.toml"),
                    config(&shop.folder, own_zone(world).as_deref()),
                )
            })
            .map_err(cannot)?;
        if shop.left()? != FAMILIES {
            return Err(Error::ours("The demo's file cannot be made.")
                .hint("Is sqlite3 part of this Python? Try: python3 -c 'import sqlite3'"));
        }
        Ok(shop)
    }

    /// Counts what is there, with a bare Python; the first time it is made.
    fn left(&self) -> Result<String, Error> {
        let output = Command::new(&self.python)
            .args(["-c", "from shop import Family; print(Family.objects.count())"])
            .current_dir(&self.folder)
            .env("PYTHONPATH", &self.folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::ours("Python cannot be run.").because(error))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Prepares nightlatch with Python, in the demonstration's own world.
    fn wrapped(&self, world: &World) -> Result<Command, Error> {
        let program = start::own_program()
            .map_err(|error| Error::ours("nightlatch cannot be started again.").because(error))?;
        let mut command = Command::new(program);
        command.arg0("nightlatch").arg("python3").current_dir(&self.folder);
        command.env_clear().envs(clean(world));
        command.env("NIGHTLATCH_CONFIG", self.folder.join("config.toml"));
        command.env("NIGHTLATCH_DATA_DIR", self.data());
        command.env("DATABASE_URL", format!("sqlite:///{}/orders.db", self.folder.display()));
        command.env("PYTHONPATH", &self.folder);
        command.env("PYTHON_HISTORY", self.folder.join("python_history"));
        Ok(command)
    }

    /// Lets a person try it.
    fn enter(
        &self,
        world: &World,
        clock: &Clock,
        signals: &mut Signals,
        out: &mut dyn Write,
        view: &mut View<'_>,
    ) -> Result<u8, Stop> {
        say(out, &intro(&self.folder))?;
        let mut command = self.wrapped(world)?;
        command.arg("-q").env("PYTHONSTARTUP", self.folder.join(SHOP_NAME));
        let status = self.attend(command, signals, true)?;
        // nightlatch has said why itself.
        if status < Kind::Ours.status() {
            list(&self.data(), world, clock, out, view)?;
        }
        Ok(status)
    }

    /// Shows how it is refused where nobody can be asked.
    fn refuse(
        &self,
        world: &World,
        clock: &Clock,
        signals: &mut Signals,
        out: &mut dyn Write,
        view: &mut View<'_>,
    ) -> Result<u8, Stop> {
        say(out, &intro_without_terminal(&self.folder))?;
        let mut command = self.wrapped(world)?;
        command.args(["-c", &format!("from shop import Family\n{INCIDENT}")]);
        // A terminal that nobody sits at could still be opened, and be asked on.
        start::apart(&mut command);
        let status = self.attend(command, signals, false)?;
        let left = self.left()?;
        if status != Kind::Ours.status() || left != FAMILIES {
            let seen = format!("the exit status is {status}, and {left} families are left");
            return Err(Error::ours("The demo's loop was not refused.").because(seen).into());
        }
        say(out, REFUSED)?;
        list(&self.data(), world, clock, out, view)?;
        Ok(0)
    }

    fn attend(
        &self,
        mut command: Command,
        signals: &mut Signals,
        shares_keys: bool,
    ) -> Result<u8, Stop> {
        let cannot =
            |error: io::Error| Error::ours("The demo's Python cannot be run.").because(error);
        let mut child = command.spawn().map_err(cannot)?;
        let ended = attend(&mut child, signals, shares_keys).map_err(cannot)?;
        ended.map(exit_status).map_err(Stop::Signal)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if !self.stays {
            // What is left behind is a small folder among other temporary ones.
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Returns what ends a demonstration early.
pub(super) const ENDS: [Caught; 5] =
    [Caught::Child, Caught::Interrupt, Caught::Terminate, Caught::HangUp, Caught::Quit];

fn intro(folder: &Path) -> String {
    format!(
        "\n\
         This is Python with a database of your own, which nightlatch takes for production:\n\
         {}/orders.db\n\
         It has 1,000 families, and is removed when you leave. Try what happened to others:\n\
         \n\
         \x20 {INCIDENT}\n\
         \x20                          Enter twice: it is held, and nothing is deleted;\n\
         \x20                          Enter once more, and it does not run\n\
         \x20 tidy()                   the same loop in a function: it is held at the fifth\n\
         \x20 Family.objects.count()   what is left\n\
         \x20 exit()                   leave: what you did is listed, and all is removed\n\
         \n",
        folder.display()
    )
}

fn intro_without_terminal(folder: &Path) -> String {
    format!(
        "\n\
         There is no terminal here, so this shows a program that nobody watches, on a database that\n\
         nightlatch takes for production (in {}):\n\
         \n\
         $ nightlatch python3 -c '{INCIDENT}'\n",
        folder.display()
    )
}

/// Says that the loop did nothing.
const REFUSED: &str = "\n\
    Exit status 125: it was refused before it ran. All 1,000 families are still there. On a\n\
    terminal, nightlatch asks instead.\n";

fn outro(folder: &Path, stays: bool) -> String {
    let left = if stays {
        format!(
            "The folder is kept: {0}\nIts recording: NIGHTLATCH_DATA_DIR={0}/data nightlatch history",
            folder.display()
        )
    } else {
        format!("{} is removed.", folder.display())
    };
    format!(
        "\n{left}\nYour own shells next: nightlatch python3, with the arguments you give python3.\n"
    )
}
