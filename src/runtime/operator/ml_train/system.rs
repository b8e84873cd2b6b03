//! What the machine does while a run learns, under the names that MLflow's client gives it, as often as
//! it looks. A look reads a few files of `/proc`; one that learns for less than one interval has none.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::store::Store;
use crate::tracking::run::{self, MetricPoint};
use crate::types::{TrackingRunId, time};

const MEGABYTE: f64 = 1e6;

/// Looks at the machine until it is dropped.
pub(super) struct Watch(Option<Sender<()>>);

impl Drop for Watch {
    fn drop(&mut self) {
        // Nobody waits for the look that is going on: nvidia-smi may hang.
        self.0.take();
    }
}

/// Starts to look, for a run. What cannot be logged is left out: learning is what counts.
pub(super) fn watch(store: &Store, run_id: &TrackingRunId, interval: Option<Duration>) -> Watch {
    let Some(interval) = interval else { return Watch(None) };
    let (stop, stopped) = channel::<()>();
    let (store, run_id) = (store.clone(), run_id.clone());
    let looking = move || {
        let mut machine = Machine::new();
        let mut step = 0;
        while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            let timestamp = time::now();
            let point = |(key, value)| MetricPoint { key, value, timestamp, step };
            let points: Vec<MetricPoint> = machine.look().into_iter().map(point).collect();
            if stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty) {
                return;
            }
            // The store may be busy, or the run deleted; the next look is as good.
            let _ = run::log_batch(&store, &run_id, points, Vec::new(), Vec::new());
            step += 1;
        }
    };
    let started = std::thread::Builder::new().name("system metrics".to_owned()).spawn(looking);
    Watch(started.ok().map(|_| stop))
}

/// What was seen of the machine before: shares of the processor and what went over the network are
/// differences.
struct Machine {
    cpu: Option<Cpu>,
    network: Option<Network>,
    has_gpu: bool,
}

impl Machine {
    fn new() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: Cpu::read(&text("/proc/stat")),
            network: Network::read(&text("/proc/net/dev")),
            has_gpu: true,
        }
    }

    fn look(&mut self) -> Vec<(String, f64)> {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let mut seen = Vec::new();
        let mut tell = |key: &str, value: f64| seen.push((format!("system/{key}"), value));
        let cpu = Cpu::read(&text("/proc/stat"));
        if let (Some(before), Some(now)) = (self.cpu, cpu) {
            tell("cpu_utilization_percentage", now.percentage_since(before));
        }
        self.cpu = cpu;
        if let Some((used, total)) = memory(&text("/proc/meminfo")) {
            tell("system_memory_usage_megabytes", used / MEGABYTE);
            tell("system_memory_usage_percentage", rounded(used / total * 100.0));
        }
        if let Ok(disk) = rustix::fs::statvfs("/") {
            let bytes = |blocks: u64| blocks as f64 * disk.f_frsize as f64;
            let (used, free) = (bytes(disk.f_blocks - disk.f_bfree), bytes(disk.f_bavail));
            tell("disk_usage_percentage", rounded(used / (used + free) * 100.0));
            tell("disk_usage_megabytes", used / MEGABYTE);
            tell("disk_available_megabytes", free / MEGABYTE);
        }
        // As MLflow's client: since the run began.
        if let (Some(first), Some(now)) = (self.network, Network::read(&text("/proc/net/dev"))) {
            let since = |first: u64, now: u64| now.saturating_sub(first) as f64 / MEGABYTE;
            tell("network_receive_megabytes", since(first.received, now.received));
            tell("network_transmit_megabytes", since(first.sent, now.sent));
        }
        if self.has_gpu {
            match ask_gpus() {
                Some(text) => gpus(&text, &mut tell),
                None => self.has_gpu = false,
            }
        }
        seen
    }
}

/// To a tenth, as psutil tells percentages.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Jiffies of all processors since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cpu {
    idle: u64,
    all: u64,
}

impl Cpu {
    /// Reads `cpu  user nice system idle iowait irq softirq steal …`.
    fn read(stat: &str) -> Option<Self> {
        let line = stat.lines().find(|line| line.starts_with("cpu "))?;
        // What guests take is told among the others already.
        let figures = line.split_whitespace().skip(1).take(8).map(str::parse);
        let figures: Vec<u64> = figures.collect::<Result<_, _>>().ok()?;
        let idle = figures.get(3)? + figures.get(4).unwrap_or(&0);
        Some(Self { idle, all: figures.iter().sum() })
    }

    fn percentage_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all);
        let idle = self.idle.saturating_sub(before.idle).min(all);
        if all == 0 { 0.0 } else { rounded((all - idle) as f64 / all as f64 * 100.0) }
    }
}

/// Bytes since the machine started, of all interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    received: u64,
    sent: u64,
}

impl Network {
    fn read(dev: &str) -> Option<Self> {
        let mut sum = None;
        for line in dev.lines() {
            let Some((_, figures)) = line.split_once(':') else { continue };
            let figures: Vec<u64> = figures.split_whitespace().flat_map(str::parse).collect();
            let (Some(received), Some(sent)) = (figures.first(), figures.get(8)) else { continue };
            let so_far = sum.get_or_insert(Self { received: 0, sent: 0 });
            so_far.received += received;
            so_far.sent += sent;
        }
        sum
    }
}

/// Returns the bytes that are used, and all there are.
fn memory(meminfo: &str) -> Option<(f64, f64)> {
    let of = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: f64 =
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024.0)
    };
    let total = of("MemTotal")?;
    Some((total - of("MemAvailable")?, total))
}

/// `None`: there is no nvidia-smi, or it knows of none.
fn ask_gpus() -> Option<String> {
    let figures = "index,memory.used,memory.total,utilization.gpu,power.draw,power.limit";
    let output = Command::new("nvidia-smi")
        .args([&format!("--query-gpu={figures}"), "--format=csv,noheader,nounits"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then_some(text)
}

/// Reads a line for each: `0, 1000, 24000, 37, 71.2, 350.00`; what it does not know is no number.
fn gpus(text: &str, tell: &mut impl FnMut(&str, f64)) {
    for line in text.lines() {
        let figures: Vec<Option<f64>> =
            line.split(',').map(|figure| figure.trim().parse().ok()).collect();
        let [Some(index), used, total, utilization, power, limit] = figures[..] else { continue };
        let mut of_gpu = |name: &str, value: Option<f64>| {
            if let Some(value) = value {
                tell(&format!("gpu_{index}_{name}"), value);
            }
        };
        let share = |part: Option<f64>, whole: Option<f64>| Some(rounded(part? / whole? * 100.0));
        // Mebibytes there, megabytes here.
        of_gpu("memory_usage_megabytes", used.map(|used| used * 1_048_576.0 / MEGABYTE));
        of_gpu("memory_usage_percentage", share(used, total));
        of_gpu("utilization_percentage", utilization);
        of_gpu("power_usage_watts", power);
        of_gpu("power_usage_percentage", share(power, limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_what_it_did_between_two_looks() {
        let read = |text| Cpu::read(text).unwrap();
        let before = read("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\n");
        let now = read("cpu  150 0 125 800 125 0 0 0 90 0\n");
        assert_eq!(before, Cpu { idle: 800, all: 1000 });
        assert_eq!(now.percentage_since(before), 37.5);
        assert_eq!(now.percentage_since(now), 0.0);
        assert_eq!((Cpu::read("intr 1"), Cpu::read("cpu a b")), (None, None));
    }

    #[test]
    fn memory_and_network_are_read_as_linux_tells_them() {
        let text = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\n";
        assert_eq!(memory(text), Some((768_000.0, 1_024_000.0)));
        assert_eq!(memory("MemTotal: 1 kB"), None);
        let text = "Inter-|   Receive\n face |bytes packets\n    lo: 10 1 0 0 0 0 0 0 20 1 0\n  \
                    eth0:5 1 0 0 0 0 0 0 7 1 0\n";
        assert_eq!(Network::read(text), Some(Network { received: 15, sent: 27 }));
        assert_eq!(Network::read(""), None);
    }

    #[test]
    fn each_gpu_is_told_by_its_number_without_what_is_not_known() {
        let mut seen = Vec::new();
        gpus("0, 1000, 4000, 37, 70, 350\n1, 500, 1000, 3, [N/A], [N/A]\nbroken\n", &mut |k, v| {
            seen.push((k.to_owned(), v));
        });
        let of = |key: &str, value: f64| (key.to_owned(), value);
        assert_eq!(
            seen,
            [
                of("gpu_0_memory_usage_megabytes", 1048.576),
                of("gpu_0_memory_usage_percentage", 25.0),
                of("gpu_0_utilization_percentage", 37.0),
                of("gpu_0_power_usage_watts", 70.0),
                of("gpu_0_power_usage_percentage", 20.0),
                of("gpu_1_memory_usage_megabytes", 524.288),
                of("gpu_1_memory_usage_percentage", 50.0),
                of("gpu_1_utilization_percentage", 3.0),
            ]
        );
    }

    #[test]
    fn this_machine_is_told_under_mlflows_names() {
        let seen = Machine::new().look();
        let keys: Vec<&str> = seen.iter().map(|(key, _)| key.as_str()).collect();
        for key in [
            "cpu_utilization_percentage",
            "system_memory_usage_megabytes",
            "system_memory_usage_percentage",
            "disk_usage_percentage",
            "disk_available_megabytes",
            "network_receive_megabytes",
        ] {
            assert!(keys.contains(&format!("system/{key}").as_str()), "{key}: {keys:?}");
        }
        let is_share = |value: f64| (0.0..=100.0).contains(&value);
        assert!(seen.iter().filter(|(k, _)| k.ends_with("percentage")).all(|(_, v)| is_share(*v)));
    }

    #[test]
    fn a_run_that_goes_on_is_told_of_the_machine_until_it_ends() {
        let (_dir, store) = crate::store::sample::store();
        let new = run::NewRun {
            experiment_id: "0".into(),
            run_name: "r".into(),
            user_id: String::new(),
            start_time: time::now(),
            tags: Vec::new(),
            attempt_token: None,
        };
        let made = run::create(&store, new).unwrap();
        let watching = watch(&store, &made.run_id, Some(Duration::from_millis(5)));
        let history = || {
            run::metric_history(&store, &made.run_id, "system/cpu_utilization_percentage").unwrap()
        };
        while history().len() < 2 {
            std::thread::yield_now();
        }
        drop(watching);
        assert_eq!(history()[..2].iter().map(|point| point.step).collect::<Vec<_>>(), [0, 1]);
        drop(watch(&store, &made.run_id, None));
    }
}
