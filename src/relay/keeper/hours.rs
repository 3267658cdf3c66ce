//! What time it is for policy: late hours, freezes, and friction that is lifted.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Keeper;
use crate::glass::{self, Glass};
use crate::os::boot::Boot;
use crate::policy::{Lift, Moment, calendar};
use crate::target::{Decided, Target};

/// What is known of the running second. The clock, the zone and the files are looked at again in
/// the next one, so that all of them may change while a session runs.
#[derive(Debug, Default)]
pub(super) struct Hours {
    /// Where broken glass is looked for; none where there is no data folder.
    data_dir: Option<PathBuf>,
    second: Option<i64>,
    moments: Vec<(Target, Moment)>,
    glasses: Vec<Glass>,
    unreadable: usize,
    told: Told,
}

/// What the person has been told of the hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Told {
    late: Option<String>,
    lift: Option<(Lift, Timestamp)>,
    is_unreadable: bool,
}

/// What has changed since the person was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It has become late, or a freeze has begun: why.
    Late(String),
    /// The glass was broken for this target.
    Lifted(Lift),
    /// It is whole again.
    Over,
    /// A file of broken glass cannot be read, and lifts nothing.
    Unreadable,
}

impl Hours {
    /// Returns the folder of all data.
    pub(super) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

impl Keeper {
    /// Says where broken glass is looked for.
    pub fn set_glass_folder(&mut self, data_dir: Option<PathBuf>) {
        self.hours.data_dir = data_dir;
    }

    /// What the moment means somewhere; asked for at most once a second.
    pub(super) fn moment_of(&mut self, decided: &Decided) -> Moment {
        let now = self.see_time();
        let known = self.hours.moments.iter().find(|(target, _)| *target == decided.target);
        if let Some((_, moment)) = known {
            return moment.clone();
        }
        let moment = self.config.moment_at(now, decided);
        self.hours.moments.push((decided.target.clone(), moment.clone()));
        moment
    }

    /// What the moment means where the session is.
    pub fn moment(&mut self) -> Moment {
        self.moment_of(&self.decided.clone())
    }

    /// Returns what is lifted on a target, and until when.
    pub(super) fn lift_on(&mut self, target: &Target) -> Option<(Lift, Timestamp)> {
        self.see_time();
        let glass = self.hours.glasses.iter().rev().find(|glass| glass.is_for(target))?;
        let until = calendar::local(glass.until, &self.config.zone());
        Some((Lift { until, reason: glass.reason.clone() }, glass.until))
    }

    /// Returns what is lifted where the session is.
    pub fn lift(&mut self) -> Option<Lift> {
        self.lift_on(&self.decided.target.clone()).map(|(lift, _)| lift)
    }

    /// The person sees where the session is, and whether it is late there.
    pub fn told_where(&mut self, is_late_told: bool) {
        let moment = self.moment();
        let late = moment.why().filter(|_| is_late_told).map(str::to_owned);
        let is_unreadable = self.hours.told.is_unreadable;
        self.hours.told = Told { late, lift: None, is_unreadable };
    }

    /// Returns what has changed since the person was told last, and takes note that they are.
    pub fn news(&mut self) -> Vec<News> {
        let late = self.moment().why().map(str::to_owned);
        let lift = self.lift_on(&self.decided.target.clone());
        let is_unreadable = self.hours.unreadable > 0;
        let told = Told { late, lift, is_unreadable };
        let before = std::mem::replace(&mut self.hours.told, told);
        let told = &self.hours.told;
        let mut news = Vec::new();
        // Where friction is lifted the hour asks for nothing.
        if told.late != before.late && told.lift.is_none() {
            news.extend(told.late.clone().map(News::Late));
        }
        match (&before.lift, &told.lift) {
            (Some(_), None) => news.push(News::Over),
            (before, Some(lift)) if before.as_ref() != Some(lift) => {
                news.push(News::Lifted(lift.0.clone()));
            }
            (_, _) => {}
        }
        if told.is_unreadable && !before.is_unreadable {
            news.push(News::Unreadable);
        }
        news
    }

    /// Looks at the clock; in a new second what was known of the last one is forgotten.
    fn see_time(&mut self) -> Timestamp {
        let now = self.clock.now();
        if self.hours.second.replace(now.as_second()) != Some(now.as_second()) {
            self.hours.moments.clear();
            let found = self.hours.data_dir.as_deref().map(glass::read).unwrap_or_default();
            self.hours.unreadable = found.unreadable.len();
            self.hours.glasses.clear();
            if !found.glasses.is_empty() {
                let boot = Boot::now();
                let in_force = found.glasses.into_iter().map(|(_, glass)| glass);
                self.hours.glasses.extend(in_force.filter(|glass| glass.is_in_force(now, &boot)));
            }
        }
        now
    }
}
