use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::decoding::take;
use crate::scos::testing::{ANALYSER, ANTENNA, Parts, RECEIVER, SCAN, parts, sensor};
use crate::scos::{
    Detector, Limit, Pointing, ReferenceLevel, ScanParameters, ScanSettings, Sweep, Window,
};

impl Parts {
    /// A section of the kind of this number, made of these parts. Its index is below
    /// four, so that some come twice.
    pub(crate) fn section(&self, kind: usize) -> Section<'_> {
        let [a, b, c, d] = &self.texts;
        let spec = HardwareSpec { id: a, model: b, version: c, description: d };
        let index = (self.small[3] % 4) as u8;
        let some = self.flag;
        let (tall, wide) = (self.small[3].cast_signed(), self.numbers[3]);
        let low_hz = u64::from(self.numbers[2]);
        let frequency =
            some.then_some(FrequencyRange { low_hz, high_hz: low_hz + u64::from(wide) });
        let angle = some.then_some(self.small[3] % 3_601);
        let heat = some.then_some(tall.clamp(-2_731, 10_000));
        let part = some.then_some(self.small[2] % 1_001);
        let pointing =
            Pointing { azimuth_tenth_deg: self.small[2] % 3_600, elevation_tenth_deg: tall % 901 };
        match SectionKind::ALL[kind % SectionKind::ALL.len()] {
            SectionKind::Analyser => Section::Analyser(Analyser {
                spec,
                receiver: Receiver {
                    frequency_low_hz: low_hz,
                    frequency_high_hz: low_hz + u64::from(wide),
                    bandwidth_max_hz: self.numbers[4].max(1),
                    resolution_min_hz: self.numbers[5].max(1),
                    gain_min_db: -3,
                    gain_max_db: 44,
                },
                levels: some.then_some(LevelRange {
                    reference_min_tenth_dbm: i16::MIN,
                    reference_max_tenth_dbm: tall,
                    attenuation_max_tenth_db: self.small[2],
                    preamplifier: some,
                }),
                sweeps: some,
                detectors: some.then_some(Detectors((self.small[2] % 64) as u8)),
                windows: some.then_some(Windows((self.small[2] % 32) as u8)),
                noise_figure_tenth_db: part,
                max_power_tenth_dbm: heat,
                converter_bits: some.then_some(1 + (self.small[2] % 64) as u8),
            }),
            SectionKind::Antenna => Section::Antenna(Antenna {
                index,
                spec,
                kind: a,
                frequency,
                gain_tenth_dbi: heat,
                polarization: some.then_some(self.pick(&[
                    Polarization::Vertical,
                    Polarization::Slant,
                    Polarization::Dual,
                ])),
                cross_polar_tenth_db: part,
                height_cm: some.then_some(wide.cast_signed()),
                horizontal_beamwidth_tenth_deg: angle,
                vertical_beamwidth_tenth_deg: angle,
                vswr_hundredths: some.then_some(self.small[2].max(100)),
                cable_loss_tenth_db: part,
                steering: some.then_some(Steering {
                    azimuth_from_tenth_deg: pointing.azimuth_tenth_deg,
                    azimuth_to_tenth_deg: 3_599 - pointing.azimuth_tenth_deg,
                    elevation_min_tenth_deg: pointing.elevation_tenth_deg,
                    elevation_max_tenth_deg: 900,
                }),
            }),
            SectionKind::AntennaPointing => {
                Section::AntennaPointing(AntennaPointing { index, pointing })
            }
            SectionKind::FrontEnd => Section::FrontEnd(FrontEnd { spec }),
            SectionKind::CalibrationSource => Section::CalibrationSource(CalibrationSource {
                index,
                spec,
                kind: b,
                excess_noise_hundredth_db: some.then_some(tall),
            }),
            SectionKind::Amplifier => Section::Amplifier(Amplifier {
                index,
                spec,
                gain_tenth_db: heat,
                noise_figure_tenth_db: part,
                max_power_tenth_dbm: some.then_some(tall),
            }),
            SectionKind::Filter => {
                Section::Filter(Filter { index, spec, passband: frequency, stopband: frequency })
            }
            SectionKind::RfPath => Section::RfPath(RfPath {
                index,
                id: c,
                antenna: some.then_some(index),
                calibration_source: None,
                filter: some.then_some(INDEX_MAX),
                amplifier: some.then_some(index),
            }),
            SectionKind::Calibration => Section::Calibration(Calibration {
                index,
                rf_path: some.then_some(index),
                frequency_hz: some.then_some(low_hz),
                time_s: some.then_some(self.long[0]),
                gain_hundredth_db: some.then_some(tall),
                noise_figure_hundredth_db: part,
                compression_point_hundredth_dbm: some.then_some(tall),
                noise_bandwidth_hz: some.then_some(wide),
                mean_noise_hundredth_dbm: some.then_some(tall),
                reference: d,
                temperature_tenth_c: heat,
            }),
            SectionKind::Host => Section::Host(Host { spec, name: a, platform: b, software: c }),
            SectionKind::HostStatus => Section::HostStatus(HostStatus {
                cpu_mean_clock_mhz: some.then_some(self.small[2]),
                cpu_usage_permille: part,
                load_5m_permille: some.then_some(wide),
                memory_usage_permille: part,
                disk_usage_permille: None,
                cpu_tenth_c: heat,
                cpu_overheating: Some(some),
                started_s: some.then_some(self.long[0]),
                software_started_s: None,
                disk: some.then_some(DiskStatus {
                    available_spare_permille: self.small[2] % 1_001,
                    unsafe_shutdowns: wide,
                    ..DiskStatus::default()
                }),
            }),
            SectionKind::FrontEndStatus => Section::FrontEndStatus(FrontEndStatus {
                temperature_tenth_c: heat,
                humidity_permille: part,
                door_closed: Some(some),
                ..FrontEndStatus::default()
            }),
            SectionKind::PowerStatus => Section::PowerStatus(PowerStatus {
                on_battery: Some(some),
                supply_mv: some.then_some(wide),
                ..PowerStatus::default()
            }),
            SectionKind::Environment => Section::Environment(Environment {
                surroundings: some.then_some(Surroundings::Indoor),
                temperature_tenth_c: heat,
                humidity_permille: part,
                weather: a,
                description: b,
            }),
            SectionKind::Location => Section::Location(Location {
                latitude_e7: wide.cast_signed() % 900_000_001,
                longitude_e7: wide.cast_signed() % 1_800_000_001,
                height_cm: wide.cast_signed(),
            }),
            SectionKind::Clock => Section::Clock(self.pick(&[
                ClockStatus::Unset,
                ClockStatus::FreeRunning,
                ClockStatus::Synchronised,
            ])),
            SectionKind::Settings => Section::Settings(self.parameters),
            SectionKind::Sensor => Section::Sensor(Sensor {
                spec,
                kind: if some { SensorKind::Cots } else { SensorKind::Sdr },
                antennas: index,
                calibration_source: some,
                rf_switch: !some,
                rf_filter: some,
                low_noise_amplifier: !some,
                mobile: some,
                recipes: self.small[4],
                minutes_max: some.then_some(self.small[0]),
            }),
        }
    }
}

proptest! {
    /// Every section fits where sections are kept, and comes back as it was.
    #[test]
    fn sections_round_trip(parts in parts(), kind in 0..SectionKind::ALL.len()) {
        let section = parts.section(kind);
        prop_assert_eq!(section.check(), Ok(()));
        prop_assert_eq!(section.key().kind, SectionKind::ALL[kind]);
        prop_assert!(section.key().kind.is_one_of_several() || section.key().index == 0);
        let mut buffer = [0; SECTION_MAX];
        let octets = postcard::to_slice(&section, &mut buffer).unwrap().to_vec();
        prop_assert_eq!(postcard::from_bytes::<Section<'_>>(&octets), Ok(section));
        let mut from = Decoder::new(&octets);
        prop_assert_eq!(shape::walk(&mut from), Ok(()));
        prop_assert_eq!(from.rest(), Some(&[][..]));
        let mut sections = SectionsBuffer::new();
        prop_assert!(sections.push(&section));
        prop_assert_eq!(sections.sections().iter().collect::<Vec<_>>(), [section]);
        prop_assert!(sections.sections().is_sound());
    }

    /// The store is a map in the order of its keys, whatever is put in and acknowledged,
    /// and never holds more than its octets.
    #[test]
    fn the_store_is_a_map_with_a_limit(
        changes in proptest::collection::vec((parts(), 0..SectionKind::ALL.len(), 0_u8..4), 0..40),
        room in 0_usize..3_000,
    ) {
        let (mut octets, mut used) = (std::vec![0; room], 0_u16);
        let mut model: BTreeMap<SectionKey, (u32, Section<'_>, bool)> = BTreeMap::new();
        for (revision, (parts, kind, what)) in (1..).zip(&changes) {
            let mut store = Store::new(&mut octets, &mut used);
            let section = parts.section(*kind);
            let key = section.key();
            if *what == 0 {
                let known = model.get(&key).map_or(0, |(revision, ..)| *revision);
                let news = store.acknowledge(key, known);
                let open = model.get_mut(&key).filter(|(_, _, sent)| !*sent);
                prop_assert_eq!(news, open.is_some());
                prop_assert!(!store.acknowledge(key, known.wrapping_add(1)));
                open.into_iter().for_each(|(_, _, sent)| *sent = true);
            } else {
                let before = model.get(&key).map(|(_, section, _)| *section);
                prop_assert_eq!(store.says(&section), before == Some(section));
                match store.put(&section, revision) {
                    Ok(()) => drop(model.insert(key, (revision, section, false))),
                    Err(SectionError::Full) => {}
                    Err(other) => prop_assert!(false, "{:?}", other),
                }
            }
            let kept: Vec<_> = store.metadata().sections().collect();
            let expected: Vec<_> = model.values().map(|(_, section, _)| *section).collect();
            prop_assert_eq!(kept, expected);
            for (key, (revision, ..)) in &model {
                prop_assert_eq!(store.revision(*key), Some(*revision));
            }
            let open: Vec<_> = model.values().filter(|(_, _, sent)| !*sent).collect();
            prop_assert_eq!(store.metadata().has_unsent(), !open.is_empty());
            let others = open.iter().filter(|(_, section, _)| section.key() != SectionKey::SENSOR);
            let others: Vec<_> = others.map(|(revision, ..)| *revision).collect();
            let unsent: Vec<_> = store.unsent().map(|(revision, _)| revision).collect();
            let sensor = open.iter().map(|(revision, ..)| *revision).collect();
            prop_assert_eq!(unsent, if others.is_empty() { sensor } else { others });
        }
        prop_assert!(usize::from(used) <= room);
        // With room for an analyser and a sensor, there is always room for them.
        let mut store = Store::new(&mut octets, &mut used);
        if room >= 2 * (SECTION_MAX + 7) {
            for section in [ANALYSER, sensor(3)] {
                prop_assert_eq!(store.put(&section, 99), Ok(()));
            }
        }
        store.hurry(7);
        prop_assert_eq!(store.unsent().count() > 0, store.metadata().sections().count() > 0);
        for section in store.metadata().sections() {
            prop_assert_eq!(store.revision(section.key()), Some(7));
        }
        store.clear();
        prop_assert_eq!(store.metadata().sections().count(), 0);
    }

    /// Octets that nobody encoded are not taken for sections that are out of range.
    /// The table of what sections hold says what their readers do.
    #[test]
    fn a_section_is_walked_as_it_is_read(
        number in 0_u8..19,
        octets in proptest::collection::vec(prop_oneof![6 => 0_u8..2, 2 => 0_u8..7, 1 => any::<u8>()], 0..80),
    ) {
        let octets = [&[number][..], &octets].concat();
        let mut from = Decoder::new(&octets);
        let sound = shape::walk(&mut from);
        let read = take::<Section<'_>>(&octets);
        prop_assert_eq!(from.rest(), read.map(|(_, rest)| rest));
        if let Some((section, _)) = read {
            prop_assert_eq!(section.check(), sound);
        }
    }

    #[test]
    fn any_octets_are_sections_or_none(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((section, _)) = postcard::take_from_bytes::<Section<'_>>(&octets)
            && section.check().is_ok()
        {
            let mut buffer = [0; SECTION_MAX];
            prop_assert!(postcard::to_slice(&section, &mut buffer).is_ok());
        }
    }
}

/// A device with everything a scan can ask for.
fn able() -> DeviceMetadata {
    let mut device = DeviceMetadata::EMPTY;
    let antenna =
        |index, steering| Section::Antenna(Antenna { index, steering, ..Antenna::UNKNOWN });
    let path = |index, antenna| {
        Section::RfPath(RfPath { index, id: "path", antenna, ..RfPath::default() })
    };
    let sections = [
        Section::Analyser(Analyser {
            levels: Some(LevelRange {
                reference_min_tenth_dbm: -1_300,
                reference_max_tenth_dbm: 200,
                attenuation_max_tenth_db: 300,
                preamplifier: false,
            }),
            sweeps: true,
            detectors: Some(Detectors(0b00_0010)),
            windows: Some(Windows(0b0_1010)),
            ..Analyser::new(RECEIVER)
        }),
        antenna(0, None),
        antenna(
            2,
            Some(Steering {
                azimuth_from_tenth_deg: 3_500,
                azimuth_to_tenth_deg: 100,
                elevation_min_tenth_deg: 0,
                elevation_max_tenth_deg: 450,
            }),
        ),
        path(0, Some(0)),
        path(1, Some(2)),
        path(3, None),
        Section::Calibration(Calibration { rf_path: Some(1), ..Calibration::default() }),
        Section::Sensor(Sensor { minutes_max: Some(30), ..Sensor::UNKNOWN }),
    ];
    for section in sections {
        assert_eq!(device.store().put(&section, 1), Ok(()));
    }
    device
}

fn with(settings: ScanSettings) -> ScanParameters {
    ScanParameters { settings: Some(settings), ..SCAN }
}

const PATH: ScanSettings = ScanSettings {
    sweep: None,
    level: None,
    rf_path: Some(1),
    pointing: Some(Pointing { azimuth_tenth_deg: 0, elevation_tenth_deg: 450 }),
    skip_samples: 100,
    calibrated: true,
};

#[test]
fn the_edges_of_the_range_are_inside() {
    let device = able();
    let check = |scan: ScanParameters| device.metadata().check(&scan, 30);
    let level = |reference_tenth_dbm, attenuation_tenth_db| {
        Some(ReferenceLevel { reference_tenth_dbm, attenuation_tenth_db, preamplifier: false })
    };
    let pointing = |azimuth_tenth_deg, elevation_tenth_deg| {
        Some(Pointing { azimuth_tenth_deg, elevation_tenth_deg })
    };
    let sweep = |stop_hz, step_hz| Some(Sweep { stop_hz, step_hz });
    let none = ScanSettings::default();
    let able = [
        SCAN,
        ScanParameters { center_hz: 25_000_000, ..SCAN },
        ScanParameters { center_hz: 1_765_000_000, ..SCAN },
        ScanParameters { gain_db: 49, window: Window::Hann, ..SCAN },
        ScanParameters { gain_db: 0, resolution_hz: 500, ..SCAN },
        ScanParameters { bandwidth_hz: 2_400_000, resolution_hz: 2_400_000, ..SCAN },
        with(none),
        with(PATH),
        with(ScanSettings { pointing: pointing(3_500, 0), ..PATH }),
        with(ScanSettings { pointing: pointing(100, 0), ..PATH }),
        with(ScanSettings { rf_path: None, pointing: None, ..PATH }),
        with(ScanSettings { rf_path: Some(3), ..none }),
        with(ScanSettings { level: level(-1_300, 300), ..none }),
        with(ScanSettings { level: level(200, 0), ..none }),
        with(ScanSettings { sweep: sweep(1_765_000_000, 2_000_000), ..none }),
        with(ScanSettings { sweep: sweep(SCAN.center_hz, 1), ..none }),
        // A gain out of range does not matter where a level is asked for.
        ScanParameters { gain_db: 99, ..with(ScanSettings { level: level(0, 0), ..none }) },
    ];
    for scan in able {
        assert_eq!(check(scan), Ok(()), "{scan:?}");
    }
}

#[test]
fn each_limit_has_its_name() {
    let device = able();
    let none = ScanSettings::default();
    let level = |reference_tenth_dbm, attenuation_tenth_db, preamplifier| ScanSettings {
        level: Some(ReferenceLevel { reference_tenth_dbm, attenuation_tenth_db, preamplifier }),
        ..none
    };
    let pointing = |rf_path, azimuth_tenth_deg, elevation_tenth_deg| ScanSettings {
        rf_path,
        pointing: Some(Pointing { azimuth_tenth_deg, elevation_tenth_deg }),
        ..none
    };
    let sweep = |stop_hz, step_hz| ScanSettings { sweep: Some(Sweep { stop_hz, step_hz }), ..none };
    let cases = [
        (ScanParameters { center_hz: 24_999_999, ..SCAN }, Limit::Frequency),
        (ScanParameters { center_hz: 1_765_000_001, ..SCAN }, Limit::Frequency),
        (ScanParameters { center_hz: 0, ..SCAN }, Limit::Frequency),
        (ScanParameters { center_hz: u64::MAX, ..SCAN }, Limit::Frequency),
        (with(sweep(1_765_000_001, 2_000_000)), Limit::Frequency),
        (ScanParameters { bandwidth_hz: 0, ..SCAN }, Limit::Bandwidth),
        (ScanParameters { bandwidth_hz: 2_400_001, ..SCAN }, Limit::Bandwidth),
        (ScanParameters { resolution_hz: 499, ..SCAN }, Limit::Resolution),
        (ScanParameters { resolution_hz: 2_000_001, ..SCAN }, Limit::Resolution),
        (ScanParameters { gain_db: 50, ..SCAN }, Limit::Gain),
        (ScanParameters { gain_db: -1, ..SCAN }, Limit::Gain),
        (ScanParameters { transforms: 0, ..SCAN }, Limit::Transforms),
        (ScanParameters { detector: Detector::M4s, ..SCAN }, Limit::Detector),
        (ScanParameters { window: Window::FlatTop, ..SCAN }, Limit::Window),
        (with(sweep(SCAN.center_hz - 1, 1)), Limit::Sweep),
        (with(sweep(SCAN.center_hz, 0)), Limit::Sweep),
        (with(sweep(SCAN.center_hz + 65_535, 1)), Limit::Sweep),
        (with(level(-1_301, 0, false)), Limit::ReferenceLevel),
        (with(level(201, 0, false)), Limit::ReferenceLevel),
        (with(level(0, 301, false)), Limit::Attenuation),
        (with(level(0, 0, true)), Limit::Preamplifier),
        (with(ScanSettings { rf_path: Some(2), ..none }), Limit::RfPath),
        (with(pointing(Some(1), 101, 0)), Limit::Pointing),
        (with(pointing(Some(1), 3_499, 0)), Limit::Pointing),
        (with(pointing(Some(1), 3_600, 0)), Limit::Pointing),
        (with(pointing(Some(1), 0, -1)), Limit::Pointing),
        (with(pointing(Some(1), 0, 451)), Limit::Pointing),
        // Antenna 0 is fixed, and path 3 has none.
        (with(pointing(None, 0, 0)), Limit::Pointing),
        (with(pointing(Some(3), 0, 0)), Limit::Pointing),
        (with(ScanSettings { rf_path: Some(0), calibrated: true, ..none }), Limit::Calibration),
    ];
    let mut seen: Vec<Limit> = cases.iter().map(|(_, limit)| *limit).collect();
    for (scan, limit) in cases {
        assert_eq!(device.metadata().check(&scan, 30), Err(limit), "{scan:?}");
    }
    assert_eq!(device.metadata().check(&SCAN, 31), Err(Limit::Duration));
    seen.push(Limit::Duration);
    seen.dedup();
    let mut all = seen.clone();
    all.sort_by_key(|limit| Limit::ALL.iter().position(|other| other == limit));
    all.dedup();
    assert_eq!(all, Limit::ALL, "each limit is exceeded");
    let names: std::collections::BTreeSet<_> = Limit::ALL.map(Limit::name).into();
    assert_eq!(names.len(), Limit::ALL.len());
    // Without levels, sweeps and calibrations there are none.
    let mut plain = DeviceMetadata::EMPTY;
    assert_eq!(plain.metadata().check(&SCAN, 1), Err(Limit::Frequency), "nothing is known");
    plain.store().put(&ANALYSER, 1).unwrap();
    let plain = |settings| plain.metadata().check(&with(settings), 10_080);
    assert_eq!(plain(none), Ok(()));
    assert_eq!(plain(level(0, 0, false)), Err(Limit::ReferenceLevel));
    assert_eq!(plain(sweep(SCAN.center_hz, 1)), Err(Limit::Sweep));
    assert_eq!(plain(ScanSettings { calibrated: true, ..none }), Err(Limit::Calibration));
    assert_eq!(plain(pointing(None, 0, 0)), Err(Limit::Pointing));
}

#[test]
fn values_out_of_range_are_unsound() {
    let long = "123456789012345678901234567890123";
    let analyser = Analyser::new(RECEIVER);
    let receiver = |receiver| Section::Analyser(Analyser { receiver, ..analyser });
    let antenna = |antenna| Section::Antenna(antenna);
    let steering = Steering::default();
    let steered = |steering| antenna(Antenna { steering: Some(steering), ..Antenna::UNKNOWN });
    let backwards = Some(FrequencyRange { low_hz: 2, high_hz: 1 });
    let host = HostStatus::default();
    let place = Location::default();
    let cases = [
        (Section::Host(Host { name: long, ..Host::UNKNOWN }), Unsound::Text),
        (
            Section::FrontEnd(FrontEnd {
                spec: HardwareSpec { id: long, ..HardwareSpec::UNKNOWN },
            }),
            Unsound::Text,
        ),
        (antenna(Antenna { index: 16, ..Antenna::UNKNOWN }), Unsound::Index),
        (Section::RfPath(RfPath { filter: Some(16), ..RfPath::default() }), Unsound::Index),
        (
            Section::Calibration(Calibration { rf_path: Some(16), ..Calibration::default() }),
            Unsound::Index,
        ),
        (receiver(Receiver { frequency_low_hz: u64::MAX, ..RECEIVER }), Unsound::Frequency),
        (antenna(Antenna { frequency: backwards, ..Antenna::UNKNOWN }), Unsound::Frequency),
        (Section::Filter(Filter { stopband: backwards, ..Filter::default() }), Unsound::Frequency),
        (receiver(Receiver { bandwidth_max_hz: 0, ..RECEIVER }), Unsound::Bandwidth),
        (receiver(Receiver { resolution_min_hz: 0, ..RECEIVER }), Unsound::Resolution),
        (receiver(Receiver { gain_min_db: 50, ..RECEIVER }), Unsound::Gain),
        (
            Section::Analyser(Analyser {
                levels: Some(LevelRange { reference_min_tenth_dbm: 1, ..LevelRange::default() }),
                ..analyser
            }),
            Unsound::ReferenceLevel,
        ),
        (
            antenna(Antenna { vertical_beamwidth_tenth_deg: Some(3_601), ..Antenna::UNKNOWN }),
            Unsound::Angle,
        ),
        (steered(Steering { azimuth_from_tenth_deg: 3_600, ..steering }), Unsound::Angle),
        (steered(Steering { azimuth_to_tenth_deg: 3_600, ..steering }), Unsound::Angle),
        (steered(Steering { elevation_min_tenth_deg: 1, ..steering }), Unsound::Angle),
        (steered(Steering { elevation_min_tenth_deg: -901, ..steering }), Unsound::Angle),
        (steered(Steering { elevation_max_tenth_deg: 901, ..steering }), Unsound::Angle),
        (
            Section::AntennaPointing(AntennaPointing {
                index: 0,
                pointing: Pointing { azimuth_tenth_deg: 0, elevation_tenth_deg: i16::MIN },
            }),
            Unsound::Angle,
        ),
        (
            antenna(Antenna { vswr_hundredths: Some(99), ..Antenna::UNKNOWN }),
            Unsound::StandingWaveRatio,
        ),
        (
            Section::HostStatus(HostStatus { disk_usage_permille: Some(1_001), ..host }),
            Unsound::Fraction,
        ),
        (
            Section::HostStatus(HostStatus {
                disk: Some(DiskStatus { spare_threshold_permille: 1_001, ..DiskStatus::default() }),
                ..host
            }),
            Unsound::Fraction,
        ),
        (
            Section::Environment(Environment {
                temperature_tenth_c: Some(-2_732),
                ..Environment::UNKNOWN
            }),
            Unsound::Temperature,
        ),
        (
            Section::FrontEndStatus(FrontEndStatus {
                noise_diode_tenth_c: Some(10_001),
                ..FrontEndStatus::default()
            }),
            Unsound::Temperature,
        ),
        (Section::Analyser(Analyser { converter_bits: Some(65), ..analyser }), Unsound::Bits),
        (Section::Analyser(Analyser { detectors: Some(Detectors(64)), ..analyser }), Unsound::Set),
        (Section::Analyser(Analyser { windows: Some(Windows(32)), ..analyser }), Unsound::Set),
        (Section::Location(Location { latitude_e7: i32::MIN, ..place }), Unsound::Location),
        (Section::Location(Location { longitude_e7: 1_800_000_001, ..place }), Unsound::Location),
        (sensor(0), Unsound::Recipes),
        (Section::Sensor(Sensor { minutes_max: Some(0), ..Sensor::UNKNOWN }), Unsound::Minutes),
    ];
    let mut device = DeviceMetadata::EMPTY;
    for (section, unsound) in cases {
        assert_eq!(section.check(), Err(unsound), "{section:?}");
        assert_eq!(device.store().put(&section, 1), Err(SectionError::Unsound(unsound)));
        // What comes in a message is held to the same.
        let mut sections = SectionsBuffer::new();
        assert!(sections.push(&section));
        assert!(!sections.sections().is_sound());
    }
    assert_eq!(device.metadata().sections().count(), 0);
    for section in [ANALYSER, ANTENNA, sensor(1), Section::Host(Host::UNKNOWN)] {
        assert_eq!(section.check(), Ok(()));
    }
}
