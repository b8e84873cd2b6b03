//! Tree-structured Parzen estimators (Bergstra and others, 2011): of values drawn from where good
//! trials lie, the one that bad trials lie least around. Each hyperparameter is chosen on its own.

use std::f64::consts::TAU;

use serde_json::{Map, Value};

use super::Trial;
use super::space::{Range, Space};
use crate::random::Random;

/// The share of the trials that counts as good, and how many at most.
const GOOD_SHARE: f64 = 0.1;
const GOOD_MAX: usize = 25;
/// Values that the best is chosen from.
const CANDIDATES: usize = 24;

/// Chooses by trials with their losses.
pub(super) fn choose(
    space: &Space,
    known: &[(&Trial, f64)],
    random: &mut Random,
) -> Map<String, Value> {
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_by(|a, b| known[*a].1.total_cmp(&known[*b].1));
    let count = ((known.len() as f64 * GOOD_SHARE).ceil() as usize).clamp(1, GOOD_MAX);
    let chosen = space.dimensions.iter().map(|dimension| {
        let places = |trials: &[usize]| -> Vec<f64> {
            let value = |at: &usize| known[*at].0.hyperparameters.get(&dimension.name);
            trials.iter().filter_map(value).filter_map(|v| dimension.range.place(v)).collect()
        };
        let (good, bad) = order.split_at(count);
        let place = match &dimension.range {
            Range::Choices(choices) => {
                let [good, bad] = [good, bad].map(|of| Shares::of(&places(of), choices.len()));
                best(random, |random| good.draw(random), |place| good.log(place) - bad.log(place))
            }
            Range::Number { .. } => {
                let [good, bad] = [good, bad].map(|of| Parzen::of(places(of)));
                best(random, |random| good.draw(random), |place| good.log(place) - bad.log(place))
            }
        };
        (dimension.name.clone(), dimension.range.at(place))
    });
    chosen.collect()
}

fn best(random: &mut Random, draw: impl Fn(&mut Random) -> f64, gain: impl Fn(f64) -> f64) -> f64 {
    let drawn: Vec<f64> = (0..CANDIDATES).map(|_| draw(random)).collect();
    let mut best = drawn[0];
    for place in drawn {
        if gain(place) > gain(best) {
            best = place;
        }
    }
    best
}

/// How often each choice was made, and once more.
struct Shares {
    weights: Vec<f64>,
    total: f64,
}

impl Shares {
    fn of(places: &[f64], count: usize) -> Self {
        let mut weights = vec![1.0; count];
        for place in places {
            weights[index(*place, count)] += 1.0;
        }
        Self { total: weights.iter().sum(), weights }
    }

    fn draw(&self, random: &mut Random) -> f64 {
        let mut left = random.unit() * self.total;
        let count = self.weights.len();
        let chosen = self.weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        (chosen.unwrap_or(count - 1) as f64 + 0.5) / count as f64
    }

    fn log(&self, place: f64) -> f64 {
        (self.weights[index(place, self.weights.len())] / self.total).ln()
    }
}

fn index(place: f64, count: usize) -> usize {
    ((place * count as f64) as usize).min(count - 1)
}

/// A normal around each place, as wide as its neighbours are far, and one around the middle.
struct Parzen {
    /// Mean and deviation.
    normals: Vec<(f64, f64)>,
}

impl Parzen {
    fn of(mut places: Vec<f64>) -> Self {
        places.push(0.5);
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
        // As narrow as the number of trials allows.
        let least = 1.0 / (1.0 + places.len() as f64).min(100.0);
        let prior = places.len() - 1;
        let normals = order.iter().enumerate().map(|(rank, at)| {
            let before = rank.checked_sub(1).map_or(0.0, |before| places[order[before]]);
            let after = order.get(rank + 1).map_or(1.0, |after| places[*after]);
            let here = places[*at];
            let width = (here - before).max(after - here).clamp(least, 1.0);
            (here, if *at == prior { 1.0 } else { width })
        });
        Self { normals: normals.collect() }
    }

    fn draw(&self, random: &mut Random) -> f64 {
        let (mean, deviation) = self.normals[random.below(self.normals.len())];
        // What falls outside is drawn again; at last the mean itself.
        for _ in 0..100 {
            // Box and Muller; 1 - u is above 0.
            let (far, angle) = ((-2.0 * (1.0 - random.unit()).ln()).sqrt(), TAU * random.unit());
            let drawn = mean + deviation * far * angle.cos();
            if (0.0..=1.0).contains(&drawn) {
                return drawn;
            }
        }
        mean
    }

    fn log(&self, place: f64) -> f64 {
        let density = self.normals.iter().map(|(mean, deviation)| {
            let off = (place - mean) / deviation;
            (-0.5 * off * off).exp() / (deviation * TAU.sqrt())
        });
        (density.sum::<f64>() / self.normals.len() as f64).max(f64::MIN_POSITIVE).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn places_are_drawn_around_those_that_are_known() {
        let parzen = Parzen::of(vec![0.9; 30]);
        let mut random = Random::new(1, Stream::Trial(0));
        let near = (0..200).filter(|_| (parzen.draw(&mut random) - 0.9).abs() < 0.2).count();
        assert!(near > 150, "{near} of 200");
        assert!(parzen.log(0.9) > parzen.log(0.2));
    }

    #[test]
    fn choices_are_drawn_as_often_as_they_were_good_and_none_is_forgotten() {
        let shares = Shares::of(&[0.75; 18], 2);
        let mut random = Random::new(1, Stream::Trial(0));
        let first = (0..400).filter(|_| shares.draw(&mut random) < 0.5).count();
        assert!((5..60).contains(&first), "{first} of 400");
    }
}
