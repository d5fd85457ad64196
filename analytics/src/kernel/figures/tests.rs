use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn samples(pairs: &[(i64, f64)]) -> Vec<Sample> {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
    pairs
        .iter()
        .map(|(second, celsius)| Sample { at: second * 1000, value: (celsius * 1000.0).round() as i32 })
        .collect()
}

#[test]
fn a1_the_order_of_readings_and_their_repetition_change_no_bit() {
    let series = [(0, 5.0), (600, 5.2), (1200, 12.0), (1260, 14.5), (1320, 15.0), (4920, 9.0)];
    let mut shuffled = samples(&series);
    shuffled.reverse();
    shuffled.extend(samples(&series[2..5]));
    let (one, other) = (Figures::of(samples(&series), HOUR), Figures::of(shuffled, HOUR));
    let dh = MolarEnergy::CONVENTIONAL;
    for course in [Course::LinearExact, Course::Trapezoid, Course::StepPrevious] {
        assert_eq!(one.mean_kinetic_c(dh, course), other.mean_kinetic_c(dh, course));
    }
    assert_eq!(one.beyond_s(Side::High, 8000), other.beyond_s(Side::High, 8000));
    assert_eq!(one.mean(), other.mean());
}

#[test]
fn a3_silence_has_no_weight_and_is_not_in_range() {
    let figures = Figures::of(samples(&[(0, 9.0), (3601, 9.0), (3661, 9.0)]), HOUR);
    assert_eq!(figures.beyond_s(Side::High, 8000), Some(60.0));
    let alone = Figures::of(samples(&[(0, 9.0), (3601, 9.0)]), HOUR);
    assert_eq!(alone.beyond_s(Side::High, 8000), None);
    assert_eq!(alone.mean_kinetic_c(MolarEnergy::CONVENTIONAL, Course::LinearExact), None);
    assert_eq!(Figures::of(Vec::new(), HOUR).mean(), None);
    // As long as the bound is not longer than it.
    assert_eq!(Figures::of(samples(&[(0, 9.0), (3600, 9.0)]), HOUR).beyond_s(Side::High, 8000), Some(3600.0));
}

#[test]
fn limits_are_strict_and_crossed_in_a_straight_line() {
    let figures = Figures::of(samples(&[(0, 8.0), (600, 8.0), (1200, 10.0), (1800, 0.0)]), HOUR);
    assert_eq!(figures.beyond_s(Side::High, 8000), Some(600.0 + 120.0));
    assert_eq!(figures.beyond_s(Side::Low, 2000), Some(120.0));
}
