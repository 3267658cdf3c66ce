//! `pg_service.conf`: named sections of parameters.

/// Returns the parameters of a service and the file they stand in.
///
/// # Errors
///
/// Returns a phrase if no file has the service, as libpq then refuses to connect.
pub(super) fn find(
    service: &str,
    files: &[(String, String)],
) -> Result<(Vec<(String, String)>, String), String> {
    files
        .iter()
        .find_map(|(path, text)| section(service, text).map(|pairs| (pairs, path.clone())))
        .ok_or_else(|| format!("the service `{service}` is in no service file"))
}

/// Returns the pairs of a section, the first of each name, if the section is there.
fn section(service: &str, text: &str) -> Option<Vec<(String, String)>> {
    let header = format!("[{service}]");
    let mut found: Option<Vec<(String, String)>> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            if found.is_some() {
                break;
            }
            if line.starts_with(&header) {
                found = Some(Vec::new());
            }
        } else if let Some(pairs) = &mut found
            && let Some((name, value)) = line.split_once('=')
            && !pairs.iter().any(|(known, _)| known == name)
        {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}
