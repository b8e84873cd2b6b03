//! Minimising a smooth convex function: L-BFGS (Nocedal and Wright, algorithm 7.4) with the
//! bisecting line search of Lewis and Overton.

/// How many earlier steps the curvature is told from.
const MEMORY: usize = 10;
/// How much of the promised fall a step has to keep.
const FALL: f64 = 1e-4;
/// How much of the slope a step may leave.
const CURVATURE: f64 = 0.9;
const STEPS_MAX: usize = 60;

/// Goes down from `at` until no slope is steeper than `tolerance`; `function` returns the value
/// and writes the slopes.
pub(super) fn minimize(
    mut at: Vec<f64>,
    tolerance: f64,
    iterations: usize,
    function: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut slopes = vec![0.0; at.len()];
    let mut value = function(&at, &mut slopes);
    let mut memory: Vec<Step> = Vec::with_capacity(MEMORY);
    for _ in 0..iterations {
        if slopes.iter().all(|slope| slope.abs() <= tolerance) {
            break;
        }
        let direction = direction(&slopes, &memory);
        let first = match memory.is_empty() {
            true => 1.0 / dot(&slopes, &slopes).sqrt().max(1.0),
            false => 1.0,
        };
        let Some(found) = search(&at, value, &slopes, &direction, first, function) else { break };
        let moved: Vec<f64> = found.at.iter().zip(&at).map(|(new, old)| new - old).collect();
        let turned: Vec<f64> = found.slopes.iter().zip(&slopes).map(|(n, o)| n - o).collect();
        let curvature = dot(&moved, &turned);
        if curvature > f64::EPSILON * dot(&turned, &turned) {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push(Step { moved, turned, curvature });
        }
        let gained = value - found.value;
        (at, slopes, value) = (found.at, found.slopes, found.value);
        // Nothing is left but rounding.
        if gained <= f64::EPSILON * value.abs() {
            break;
        }
    }
    at
}

/// A step that was taken, and how the slopes turned on it.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    curvature: f64,
}

struct Found {
    at: Vec<f64>,
    slopes: Vec<f64>,
    value: f64,
}

/// The two loops: the slopes, bent by the curvature of the remembered steps.
fn direction(slopes: &[f64], memory: &[Step]) -> Vec<f64> {
    let mut direction: Vec<f64> = slopes.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for step in memory.iter().rev() {
        let share = dot(&step.moved, &direction) / step.curvature;
        add(&mut direction, -share, &step.turned);
        shares.push(share);
    }
    if let Some(last) = memory.last() {
        let scale = last.curvature / dot(&last.turned, &last.turned);
        direction.iter_mut().for_each(|part| *part *= scale);
    }
    for (step, share) in memory.iter().zip(shares.iter().rev()) {
        let back = dot(&step.turned, &direction) / step.curvature;
        add(&mut direction, share - back, &step.moved);
    }
    direction
}

/// Looks along a direction for a step that falls enough and is not too short.
fn search(
    at: &[f64],
    value: f64,
    slopes: &[f64],
    direction: &[f64],
    first: f64,
    function: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<Found> {
    let slope = dot(slopes, direction);
    if slope >= 0.0 {
        return None;
    }
    let (mut short, mut long, mut length) = (0.0, f64::INFINITY, first);
    for _ in 0..STEPS_MAX {
        let there: Vec<f64> = at.iter().zip(direction).map(|(a, d)| a + length * d).collect();
        let mut found = Found { at: there, slopes: vec![0.0; at.len()], value: 0.0 };
        found.value = function(&found.at, &mut found.slopes);
        // Also what is not a number has not fallen.
        let falls = found.value <= value + FALL * length * slope;
        if !falls {
            long = length;
        } else if dot(&found.slopes, direction) < CURVATURE * slope {
            short = length;
        } else {
            return Some(found);
        }
        length = if long.is_finite() { f64::midpoint(short, long) } else { 2.0 * length };
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], share: f64, of: &[f64]) {
    to.iter_mut().zip(of).for_each(|(to, of)| *to += share * of);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_valley_is_followed_to_its_end() {
        // Rosenbrock's function.
        let mut function = |x: &[f64], slopes: &mut [f64]| {
            let bend = x[1] - x[0] * x[0];
            slopes[0] = -400.0 * x[0] * bend - 2.0 * (1.0 - x[0]);
            slopes[1] = 200.0 * bend;
            100.0 * bend * bend + (1.0 - x[0]).powi(2)
        };
        let found = minimize(vec![-1.2, 1.0], 1e-8, 200, &mut function);
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_start_is_returned_where_it_is_flat() {
        assert_eq!(minimize(vec![3.0], 1e-9, 10, &mut |_, _| 1.0), [3.0]);
    }
}
