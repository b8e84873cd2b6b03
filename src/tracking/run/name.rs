//! Names for runs that were given none: two words and a number, as MLflow does.

const MOODS: [&str; 24] = [
    "able", "bold", "brisk", "calm", "clever", "eager", "fair", "gentle", "glad", "keen", "kind",
    "lively", "lucky", "merry", "noble", "patient", "proud", "quick", "quiet", "steady", "sunny",
    "tidy", "warm", "wise",
];

const CREATURES: [&str; 24] = [
    "badger", "crane", "dolphin", "eagle", "falcon", "finch", "fox", "gull", "hare", "heron",
    "ibis", "lark", "lynx", "marten", "otter", "owl", "raven", "robin", "seal", "stork", "swan",
    "tern", "wolf", "wren",
];

/// Returns a name that is hardly taken.
pub fn some_name() -> String {
    let chance = uuid::Uuid::new_v4().as_u128();
    let pick = |words: [&'static str; 24], at: u128| words[(at % 24) as usize];
    // Apart from each other, and from the bits that every such UUID has.
    let (mood, creature) = (pick(MOODS, chance & 0xffff_ffff), pick(CREATURES, chance >> 96));
    format!("{mood}-{creature}-{}", (chance >> 32) % 1_000)
}
