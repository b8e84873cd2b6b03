//! What a task asks of Slurm, in the words of `sbatch`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the deck reaches its cluster (`[slurm]`). Whatever is missing is found as a shell would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlurmSpec {
    /// The folder of `sbatch`, `squeue` and the others.
    pub bin: Option<PathBuf>,
    /// The `slurm.conf` to go by.
    pub conf: Option<PathBuf>,
    /// This program as the nodes see it.
    pub dagdeck: Option<PathBuf>,
}

/// What a job asks for; what is `None` is left to the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct SlurmOptions {
    pub partition: Option<String>,
    pub account: Option<String>,
    pub qos: Option<String>,
    pub nodes: Option<u32>,
    pub cpus_per_task: Option<u32>,
    /// As `--mem` takes it: `4G`.
    pub mem: Option<String>,
    /// As `--gpus` takes it: `2`, `a100:2`.
    pub gpus: Option<String>,
    pub time: Option<Duration>,
    /// Further arguments, as they are.
    pub extra_args: Vec<String>,
}

impl SlurmOptions {
    /// Fills what it does not say from `below`.
    pub fn over(self, below: &Self) -> Self {
        let or = |own: Option<String>, below: &Option<String>| own.or_else(|| below.clone());
        Self {
            partition: or(self.partition, &below.partition),
            account: or(self.account, &below.account),
            qos: or(self.qos, &below.qos),
            nodes: self.nodes.or(below.nodes),
            cpus_per_task: self.cpus_per_task.or(below.cpus_per_task),
            mem: or(self.mem, &below.mem),
            gpus: or(self.gpus, &below.gpus),
            time: self.time.or(below.time),
            extra_args: match self.extra_args.is_empty() {
                true => below.extra_args.clone(),
                false => self.extra_args,
            },
        }
    }

    /// Returns the arguments of `sbatch`.
    pub fn arguments(&self) -> Vec<String> {
        let texts = [
            ("partition", self.partition.clone()),
            ("account", self.account.clone()),
            ("qos", self.qos.clone()),
            ("nodes", self.nodes.map(|n| n.to_string())),
            ("cpus-per-task", self.cpus_per_task.map(|n| n.to_string())),
            ("mem", self.mem.clone()),
            ("gpus", self.gpus.clone()),
            ("time", self.time.map(|time| minutes(time).to_string())),
        ];
        let written = texts.into_iter().filter_map(|(name, text)| Some((name, text?)));
        let own = written.map(|(name, text)| format!("--{name}={text}"));
        own.chain(self.extra_args.iter().cloned()).collect()
    }
}

/// Slurm counts time limits in whole minutes; a part of one is one.
pub fn minutes(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).div_ceil(60).max(1)
}

/// Reads a time limit as `sbatch` writes it: `30:00`, `1:30:00`, `2-12`, `2-12:00:00`. `None`
/// where it is none; a bare number, which is minutes to `sbatch`, is none either.
pub fn time_limit(text: &str) -> Option<Duration> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest.split(':').map(number).collect::<Option<_>>()?;
    let secs = match (days, parts.as_slice()) {
        (None, [m, s]) => m.checked_mul(60)?.checked_add(*s)?,
        (_, [h, m, s]) => h.checked_mul(3_600)?.checked_add(m.checked_mul(60)?)?.checked_add(*s)?,
        (Some(_), [h]) => h.checked_mul(3_600)?,
        (Some(_), [h, m]) => h.checked_mul(3_600)?.checked_add(m.checked_mul(60)?)?,
        _ => return None,
    };
    Some(Duration::from_secs(days.unwrap_or(0).checked_mul(86_400)?.checked_add(secs)?))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_read_as_sbatch_reads_them() {
        let secs = |text| time_limit(text).map(|time| time.as_secs());
        assert_eq!(secs("30:00"), Some(1_800));
        assert_eq!(secs("1:30:00"), Some(5_400));
        assert_eq!(secs("2-12"), Some(216_000));
        assert_eq!(secs("1-0:30"), Some(88_200));
        assert_eq!(secs("1-00:00:01"), Some(86_401));
        for none in ["", "30", "1:2:3:4", "-1:00", "1-", "x:00", "+1:00", "99999999999999999999-1"]
        {
            assert_eq!(secs(none), None, "{none}");
        }
    }

    #[test]
    fn a_part_of_a_minute_is_a_minute() {
        assert_eq!(minutes(Duration::from_secs(5)), 1);
        assert_eq!(minutes(Duration::from_secs(60)), 1);
        assert_eq!(minutes(Duration::from_millis(60_001)), 2);
        assert_eq!(minutes(Duration::ZERO), 1);
    }

    #[test]
    fn arguments_are_sbatchs() {
        let below = SlurmOptions {
            partition: Some("main".into()),
            mem: Some("1G".into()),
            extra_args: vec!["--exclusive".into()],
            ..SlurmOptions::default()
        };
        let own = SlurmOptions {
            mem: Some("4G".into()),
            time: Some(Duration::from_secs(90)),
            ..SlurmOptions::default()
        };
        assert_eq!(
            own.over(&below).arguments(),
            ["--partition=main", "--mem=4G", "--time=2", "--exclusive"]
        );
    }
}
