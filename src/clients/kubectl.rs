//! Command lines of kubectl: a client that is run in a container is where its cluster is.

use super::{settings, url};
use crate::target::tunnel::kubectl::{Kubectl, current_context};
use crate::target::{Address, Decided, Evidence, Known, Strength};
use crate::world::World;

/// `kubectl [OPTIONS] exec NAME -- COMMAND…`.
///
/// # Errors
/// Never: what it refuses goes nowhere.
pub(super) fn decide(
    args: &[String],
    world: &World,
    known: &Known<'_>,
) -> Result<Vec<Decided>, String> {
    let found = Kubectl::read(args);
    let cluster = match (&found.context, &found.config) {
        (Some(context), _) => Some(context.clone()),
        (None, Some(config)) => {
            settings::small_file(&world.cwd.join(config)).as_deref().and_then(current_context)
        }
        (None, None) => known.cluster.and_then(|cluster| (**cluster).clone()),
    };
    let told = [("context", cluster), ("namespace", found.namespace)];
    let speaks =
        |(source, name): (&str, Option<String>)| Evidence::in_name(&name?, Strength::Name, source);
    let evidence: Vec<Evidence> = told.into_iter().filter_map(speaks).collect();
    let host = found.words.get(1).cloned();
    let places = host.map(|host| Address { host: Some(host), ..Address::default() });
    let places = places.into_iter().map(|address| ("the command line", address));
    let all = url::from_addresses(places, known).into_iter();
    Ok(all.map(|decided| decided.also(evidence.clone())).collect())
}
