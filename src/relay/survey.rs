//! What is found out of a new connection while the person reads its prompt: no key and no byte
//! waits for it, and a statement only for a moment.

use std::io::{self, Read, Write};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Relay;
use super::keeper::Found;
use super::probe;
use crate::clients::ServerIdentity;
use crate::clock::Clock;
use crate::here;
use crate::os::net;
use crate::os::poll::{Wait, poll};
use crate::target::pattern::{is_loopback, is_socket};
use crate::ui::notice;
use crate::ui::theme::Style;

/// How long the first statement on a connection waits for what is not known yet.
const PATIENCE: Duration = Duration::from_millis(700);

/// How long the server may take to say who it is.
const ASKING: Duration = Duration::from_secs(3);

/// A survey that runs.
#[derive(Debug)]
pub(super) struct Survey {
    news: Receiver<News>,
    /// Has a byte for each piece of news.
    bell: UnixStream,
    /// Until when a statement waits for it.
    due: Duration,
    /// Whether all that a statement waits for has come.
    is_enough: bool,
}

impl AsFd for Survey {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// What a survey tells.
enum News {
    Found(Found),
    /// What the side connection printed.
    Said(String),
    /// What follows may take long.
    Enough,
}

/// What is to be found out.
struct Quest {
    client: Option<i32>,
    home: Option<std::path::PathBuf>,
    /// Whether the other ends of the client's connections matter: not to this machine itself.
    has_peers: bool,
    /// Hosts that the configuration names.
    names: Vec<String>,
    /// The side connection, and what it asks.
    ask: Option<(Command, String)>,
    /// Held while that is being started.
    starting: Arc<Mutex<()>>,
    clock: Clock,
}

impl Relay {
    /// Begins to find out what is to be known of where the client has just connected to, if it has.
    /// What was begun for another connection is forgotten.
    pub(super) fn begin_survey(&mut self) {
        if !std::mem::take(&mut self.is_survey_due) {
            return;
        }
        let address = &self.keeper.decided().target.address;
        let host = address.host.clone().unwrap_or_default();
        let config = self.keeper.config();
        let may_ask = config.impact(self.keeper.decided());
        let names = config.targets.iter().flat_map(|rule| &rule.patterns);
        let names = names.filter_map(|pattern| pattern.plain_host()).map(str::to_owned).collect();
        let inquiry = self
            .side
            .as_mut()
            .filter(|_| may_ask)
            .and_then(|side| side.identify(self.keeper.facts()));
        self.survey(Quest {
            client: self.client,
            has_peers: !is_socket(&host) && !is_loopback(&host),
            names,
            ask: inquiry.map(|inquiry| (probe::command(&inquiry), inquiry.script)),
            ..self.quest()
        });
    }

    /// Looks what listens on this machine's ports while the client starts, so that its first prompt
    /// tells where it leads.
    pub(super) fn survey_ports(&mut self) {
        let quest = self.quest();
        self.survey(quest);
    }

    fn quest(&self) -> Quest {
        let (client, names, ask) = (None, Vec::new(), None);
        let (home, clock) = (self.home.clone(), self.keeper.clock());
        let starting = Arc::clone(&self.starting);
        Quest { client, home, has_peers: false, names, ask, starting, clock }
    }

    fn survey(&mut self, quest: Quest) {
        self.survey = None;
        let clock = quest.clock;
        let Ok((bell, rope)) = UnixStream::pair() else { return };
        if bell.set_nonblocking(true).is_err() {
            return;
        }
        let (sender, news) = channel();
        let teller = Teller { sender, rope };
        let begun =
            thread::Builder::new().name("survey".to_owned()).spawn(move || go(quest, &teller));
        // Without a thread less is known, and that is all.
        if begun.is_ok() {
            let due = clock.elapsed() + PATIENCE;
            self.survey = Some(Survey { news, bell, due, is_enough: false });
        }
    }

    /// Takes what was found out so far.
    pub(super) fn read_survey(&mut self) -> io::Result<()> {
        loop {
            let Some(survey) = &mut self.survey else { return Ok(()) };
            let mut rung = [0; 16];
            let is_over = matches!(survey.bell.read(&mut rung), Ok(0));
            match survey.news.try_recv() {
                Ok(News::Found(found)) => self.learn(found)?,
                Ok(News::Said(answer)) => {
                    let side = self.side.as_ref();
                    if let Some(identity) = side.and_then(|side| side.identified(&answer)) {
                        self.identified(&identity)?;
                    }
                }
                Ok(News::Enough) => survey.is_enough = true,
                Err(_) => {
                    if is_over {
                        self.survey = None;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Waits for what a statement is to be judged by, if it is not there yet.
    pub(super) fn await_survey(&mut self) -> io::Result<()> {
        self.begin_survey();
        let clock = self.keeper.clock();
        loop {
            self.read_survey()?;
            let Some(survey) = self.survey.as_ref().filter(|survey| !survey.is_enough) else {
                return Ok(());
            };
            let Some(left) = survey.due.checked_sub(clock.elapsed()) else { return Ok(()) };
            poll(&mut [Wait::readable(survey.as_fd())], Some(left))?;
        }
    }

    fn learn(&mut self, found: Found) -> io::Result<()> {
        // What is known before the first prompt is said there.
        if self.keeper.find_out(found) && self.is_prompted {
            return self.say_where_beside();
        }
        Ok(())
    }

    fn identified(&mut self, identity: &ServerIdentity) -> io::Result<()> {
        self.learn(Found::Server(identity.id.clone()))?;
        if identity.is_replica && self.keeper.config().look.banner {
            let text = format!(
                "the server is a replica (version {}), which takes no writes",
                identity.version
            );
            let line = notice::line(&text, Style::Plain, self.cols(), self.theme);
            self.say_beside(line)?;
        }
        Ok(())
    }
}

/// Passes news on, and rings.
struct Teller {
    sender: Sender<News>,
    rope: UnixStream,
}

impl Teller {
    fn tell(&self, news: News) {
        // A relay that has moved on does not listen.
        if self.sender.send(news).is_ok() {
            drop((&self.rope).write_all(b"."));
        }
    }
}

fn go(quest: Quest, teller: &Teller) {
    teller.tell(News::Found(Found::Tunnels(here::look(quest.home.as_deref()))));
    let all = quest.client.filter(|_| quest.has_peers).map(net::peers).unwrap_or_default();
    let peers: Vec<IpAddr> =
        all.into_iter().map(|peer| peer.ip()).filter(|ip| !ip.is_loopback()).collect();
    let aliases = |names: Vec<(String, String)>| {
        if !names.is_empty() {
            teller.tell(News::Found(Found::Aliases(names)));
        }
    };
    aliases(peers.iter().map(|ip| (ip.to_string(), format!("the peer is {ip}"))).collect());
    if let Some((command, script)) = quest.ask
        && let Some(answer) = ask(command, &script, &quest.starting, quest.clock)
    {
        teller.tell(News::Said(answer));
    }
    teller.tell(News::Enough);
    // A resolver may take as long as it likes.
    for name in quest.names.iter().filter(|_| !peers.is_empty()) {
        let Ok(found) = (name.as_str(), 0).to_socket_addrs() else { continue };
        let met = found.map(|address| address.ip()).find(|ip| peers.contains(ip));
        aliases(
            met.map(|ip| (name.clone(), format!("the peer {ip} is {name}"))).into_iter().collect(),
        );
    }
}

/// Asks the server; none where it does not answer in time.
fn ask(mut command: Command, script: &str, starting: &Mutex<()>, clock: Clock) -> Option<String> {
    let due = clock.elapsed() + ASKING;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = {
        let _starting = starting.lock().unwrap_or_else(PoisonError::into_inner);
        command.spawn().ok()?
    };
    let mut answer = Vec::new();
    if let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) {
        drop(input.write_all(script.as_bytes()));
        drop(input);
        let mut buffer = [0; 4096];
        while let Some(left) = due.checked_sub(clock.elapsed())
            && let mut waits = [Wait::readable(output.as_fd())]
            && poll(&mut waits, Some(left)).is_ok()
            && waits[0].is_ready()
            && let Ok(count @ 1..) = output.read(&mut buffer)
            && answer.len() < buffer.len()
        {
            answer.extend_from_slice(&buffer[..count]);
        }
    }
    // It has ended already, or has had its time.
    drop(child.kill());
    drop(child.wait());
    String::from_utf8(answer).ok()
}
