//! The code of `init` in the real shells: interactive, not interactive, and sourced twice.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::pty::{Key, PERSON_PAUSE, Pty};
use crate::support::tool::{Tool, find, needs};
use crate::support::world::run;

/// Stands for an interpreter: says whether it is wrapped, and can take its wrapper along.
const CLIENT: &str = "#!/bin/sh
echo \"wrapped:${NIGHTLATCH_SESSION:+yes} $*\"
if [ \"$1\" = lost ]; then
    read -r _ _ _ wrapper _ </proc/$PPID/stat
    kill -9 \"$wrapper\"
fi
";

/// What differs between the shells.
struct Shell {
    tool: Tool,
    /// Where it reads what it is to do, below the home folder.
    rc: &'static str,
    /// What stands there: `@INIT@` is our code.
    text: &'static str,
    /// Its own process.
    pid: &'static str,
    /// Bare in spite of an alias.
    bare: &'static [&'static str],
}

const SHELLS: [Shell; 3] = [
    Shell {
        tool: Tool::Bash,
        rc: ".bashrc",
        text: "set -u\nPS1='$ '\ncomplete -W 'alpha beta' python3\nalias python='python -q'\n\
               @INIT@\n@INIT@\n",
        pid: "$$",
        bare: &["\\python3", "command python3"],
    },
    Shell {
        tool: Tool::Zsh,
        rc: ".zshrc",
        text: "setopt nounset\nPS1='$ '\n@INIT@\nautoload -Uz compinit; compinit -u\n\
               alpha() { compadd alpha beta }\ncompdef alpha python3\nalias python='python -q'\n\
               @INIT@\n",
        pid: "$$",
        bare: &["\\python3", "command python3"],
    },
    Shell {
        tool: Tool::Fish,
        rc: ".config/fish/config.fish",
        text: "set -g fish_greeting\nfunction fish_prompt; echo -n '$ '; end\n\
               complete -c python3 -f -a 'alpha beta'\n@INIT@\n@INIT@\n",
        pid: "$fish_pid",
        bare: &["command python3"],
    },
];

/// A home folder for a shell, with clients in it.
struct Home(TempDir);

impl Home {
    fn new(shell: &Shell) -> Self {
        let home = Self(tempfile::tempdir().expect("a folder"));
        let programs = home.path().join("bin");
        fs::create_dir(&programs).expect("a folder");
        for name in ["python3", "python"] {
            fs::write(programs.join(name), CLIENT).expect("a file");
            fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755))
                .expect("mode");
        }
        let code = match shell.tool {
            Tool::Fish => "nightlatch init fish | source".to_owned(),
            tool => format!("eval \"$(nightlatch init {})\"", tool.name()),
        };
        let rc = home.path().join(shell.rc);
        fs::create_dir_all(rc.parent().expect("a folder")).expect("a folder");
        fs::write(rc, shell.text.replace("@INIT@", &code)).expect("a file");
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, shell: &Shell, args: &[&str]) -> Command {
        let mut command = Command::new(find(shell.tool.name()).expect("it is there"));
        let ours = Path::new(env!("CARGO_BIN_EXE_nightlatch")).parent().expect("a folder");
        let path =
            format!("{}:{}:/usr/bin:/bin", self.path().join("bin").display(), ours.display());
        command.env_clear().args(args).current_dir(self.path()).env("PATH", path);
        for (name, below) in [
            ("HOME", ""),
            ("ZDOTDIR", ""),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", "data"),
        ] {
            command.env(name, self.path().join(below));
        }
        command.envs([("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]);
        command
    }

    fn open(&self, shell: &Shell) -> Pty {
        let mut pty = Pty::spawn(self.command(shell, &["-i"]));
        pty.wait_for_prompt("$ ");
        pty
    }
}

/// Runs a line and waits for the prompt behind it; what came is told.
fn told(pty: &mut Pty, line: &str) -> String {
    pty.wait_for_silence(PERSON_PAUSE);
    pty.line(line);
    pty.wait_for_silence(PERSON_PAUSE);
    pty.wait_for_prompt("$ ");
    let recent = pty.recent();
    let from = recent.rfind(line).unwrap_or_default();
    recent[from..].to_owned()
}

fn in_each(look: impl Fn(&Shell)) {
    for shell in &SHELLS {
        if needs(&[shell.tool]) {
            look(shell);
        }
    }
}

#[test]
fn clients_are_wrapped_and_can_be_had_bare() {
    in_each(|shell| {
        let home = Home::new(shell);
        let mut pty = home.open(shell);
        assert!(told(&mut pty, "python3 one").contains("wrapped:yes one"), "{}", pty.dump());
        for bare in shell.bare {
            assert!(
                told(&mut pty, &format!("{bare} two")).contains("wrapped: two"),
                "{}",
                pty.dump()
            );
        }
        if shell.tool == Tool::Fish {
            let own = "function own; python3 four; end; own";
            assert!(told(&mut pty, own).contains("wrapped: four"), "{}", pty.dump());
        }
        // An alias of one's own keeps its options.
        let own = told(&mut pty, "python three");
        let expected =
            if shell.tool == Tool::Fish { "wrapped:yes three" } else { "wrapped:yes -q three" };
        assert!(own.contains(expected), "{}", pty.dump());
    });
}

#[test]
fn completions_stay_as_they_are() {
    in_each(|shell| {
        let home = Home::new(shell);
        let mut pty = home.open(shell);
        pty.type_text("python3 al\t");
        pty.wait_for("python3 alpha");
        pty.press(Key::Enter);
        pty.wait_for("wrapped:yes alpha");
        pty.wait_for_prompt("$ ");
        pty.type_text("nightlatch sess\t");
        pty.wait_for("nightlatch sessions");
    });
}

#[test]
fn what_is_not_interactive_is_untouched() {
    in_each(|shell| {
        let home = Home::new(shell);
        let source = format!(". ./{}; python3 one; python two", shell.rc);
        let output = run(home.command(shell, &["-c", &source]), "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "wrapped: one\nwrapped: two\n");
    });
}

#[test]
fn a_session_that_was_killed_is_told_at_the_next_prompt_and_once() {
    in_each(|shell| {
        let home = Home::new(shell);
        let mut pty = home.open(shell);
        let first = told(&mut pty, "python3 lost");
        assert!(first.contains("nightlatch: python3 session"), "{}", pty.dump());
        assert!(first.contains("ended badly: nightlatch recover"), "{}", pty.dump());
        assert!(!told(&mut pty, "python3 one").contains("badly"), "{}", pty.dump());
        drop(pty);

        // Killed together with its shell, it is told by the next one.
        let mut pty = home.open(shell);
        pty.line(&format!("command nightlatch python3 lost; kill -9 {}", shell.pid));
        pty.wait_for_exit();
        drop(pty);
        let mut pty = Pty::spawn(home.command(shell, &["-i"]));
        pty.wait_for("ended badly");
        pty.wait_for_prompt("$ ");
        drop(pty);
        let mut pty = home.open(shell);
        assert!(!pty.recent().contains("badly"), "{}", pty.dump());
    });
}

#[test]
fn the_key_opens_the_history() {
    in_each(|shell| {
        let home = Home::new(shell);
        let mut pty = home.open(shell);
        told(&mut pty, "python3 one");
        pty.send(b"\x18\x08");
        pty.wait_for("Esc ends");
        pty.press(Key::Escape);
        assert!(told(&mut pty, "echo after").contains("after"), "{}", pty.dump());
    });
}

/// A function of one's own is left alone, and `doctor` tells so.
#[test]
fn what_is_not_wrapped_is_told() {
    in_each(|shell| {
        let home = Home::new(shell);
        let mut pty = home.open(shell);
        let told_of = |pty: &mut Pty| told(pty, "nightlatch doctor | grep -o ' shell: .*'");
        let wraps = told_of(&mut pty);
        assert!(wraps.contains("python3, python"), "{}", pty.dump());
        drop(pty);
        let own = match shell.tool {
            Tool::Fish => "function python; command python own $argv; end",
            _ => "python() { command python own \"$@\"; }",
        };
        let rc = home.path().join(shell.rc);
        let text = fs::read_to_string(&rc).expect("a file").replace("alias python='python -q'", "");
        fs::write(&rc, format!("{own}\n{text}")).expect("a file");
        let mut pty = home.open(shell);
        let wraps = told_of(&mut pty);
        assert!(wraps.contains("python3") && !wraps.contains("python3, python"), "{}", pty.dump());
        assert!(told(&mut pty, "python five").contains("wrapped: own five"), "{}", pty.dump());
    });
}

#[test]
fn the_code_is_clean() {
    if !needs(&[Tool::Bash, Tool::Shellcheck]) {
        return;
    }
    let home = Home::new(&SHELLS[0]);
    let init = home.command(&SHELLS[0], &["-c", "nightlatch init bash | shellcheck -s bash -"]);
    let output = run(init, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_command_has_a_man_page_and_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    let nightlatch = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightlatch"));
        command.args(args);
        let output = run(command, "");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    nightlatch(&["generate", "man", folder.path().join("man").to_str().expect("UTF-8")]);
    let help = nightlatch(&["help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"history") && commands.len() > 15, "{commands:?}");
    for command in commands {
        assert!(
            command == "help" || folder.path().join(format!("man/nightlatch-{command}.1")).exists(),
            "{command}"
        );
        for shell in ["bash", "zsh", "fish"] {
            assert!(nightlatch(&["completions", shell]).contains(command), "{command} in {shell}");
        }
    }
}
