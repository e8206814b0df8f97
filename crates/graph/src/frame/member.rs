use crate::facts::NONE;
use crate::rank::Standing;

/// Products on sale by a dense attribute, the most popular first; those among them that have changed since the epoch
/// began, or came, are for each other alone, so that a row stays what it is when others change.
#[derive(Debug)]
pub(crate) struct Members {
    groups: Vec<Vec<u32>>,
}

impl Members {
    pub(super) fn new(attribute: &[u32], listed: &[bool], standing: &Standing) -> Self {
        let groups = attribute
            .iter()
            .filter(|&&value| value != NONE)
            .max()
            .map_or(0, |&most| most as usize + 1);
        let mut members = Self {
            groups: vec![Vec::new(); groups],
        };
        for &item in standing.products() {
            let value = attribute[item as usize];
            if value != NONE && listed[item as usize] {
                members.groups[value as usize].push(item);
            }
        }
        members
    }

    /// Those with this value; none for an unknown one.
    pub(crate) fn of(&self, value: u32) -> &[u32] {
        self.groups.get(value as usize).map_or(&[], Vec::as_slice)
    }
}
