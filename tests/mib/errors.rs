//! Every error, with its line, its column and the item it names.

use farpost::host::mib::{Bump, MibError, NoKeys, from_amsrc, from_toml, from_xml};

const TOML: &str = r#"config_servers = ["@:2357"]
[continuum]
number = 2
name = "field"
[timers]
n1 = 5
[[remote_continuum]]
number = 3
name = "mars"
[[venture]]
number = 1
application = "sensing"
authority = "test"
[[venture.unit]]
number = 1
name = "river"
[[venture.role]]
number = 2
name = "ssd"
[[venture.subject]]
number = 1
name = "report"
senders = ["ssd"]
[[venture.message_space]]
continuum = 3
gateway = "udp@x:1"
"#;

const AMSRC: &str = "\
*ams_mib_init continuum_nbr=2 ptsname=udp
+ams_mib_add
*continuum nbr=3 name=mars
*csendpoint epspec=@:2357
*amsendpoint tsname=udp epspec=@:5001
*application name=sensing
+venture nbr=1 appname=sensing authname=test
*role nbr=2 name=ssd
+subject nbr=1 name=report
*sender name=ssd
-subject
*unit nbr=1 name=river
*msgspace nbr=3
-venture
-ams_mib_add
";

/// `LINE:COLUMN: ITEM: PROBLEM`, without the name of the file and the remedy.
fn told(error: &MibError) -> String {
    let position = error.position.expect("a text has places");
    format!("{position}: {}: {}", error.item, error.problem)
}

/// Replaces `from`, which is there, by `to` and gives the error of the result.
fn toml(from: &str, to: &str) -> String {
    assert!(TOML.contains(from), "{from}");
    let text = TOML.replacen(from, to, 1);
    match from_toml(&Bump::new(), &text, "x") {
        Ok(mib) => panic!("{from} -> {to} gives {mib:#?}"),
        Err(error) => told(&error),
    }
}

fn amsrc(from: &str, to: &str) -> String {
    assert!(AMSRC.contains(from), "{from}");
    let text = AMSRC.replacen(from, to, 1);
    match from_amsrc(&Bump::new(), &text, "x", &NoKeys) {
        Ok(mib) => panic!("{from} -> {to} gives {mib:#?}"),
        Err(error) => told(&error),
    }
}

fn all(cases: &[(&str, &str, &str)], error: fn(&str, &str) -> String) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(from, to, expected)| {
            let error = error(from, to);
            (error != *expected).then(|| format!("({from:?}, {to:?}, {error:?}),"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_texts_are_good_before_they_are_spoilt() {
    let arena = Bump::new();
    from_toml(&arena, TOML, "x").unwrap();
    from_amsrc(&arena, AMSRC, "x", &NoKeys).unwrap();
}

#[test]
fn an_error_reads_as_one_line() {
    let text = TOML.replacen("number = 1", "number = 0", 1);
    let error = from_toml(&Bump::new(), &text, "field.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "field.toml:10:1: venture 0: its number is not above 0; give it a number above 0"
    );
}

#[test]
fn toml_that_is_not_the_layout() {
    all(
        &[
            (
                "number = 2",
                "number = ",
                "3:10: the text: string values must be quoted, expected literal string",
            ),
            ("n1 = 5", "n1 = \"5\"", "6:6: `\"5\"`: invalid type: string \"5\", expected f64"),
            (
                "n1 = 5",
                "n7 = 5",
                "6:1: `n7`: unknown field `n7`, expected one of `n1`, `n2`, `n3`, `n6`",
            ),
            ("name = \"mars\"", "", "7:1: `[[remote_continuum]]`: missing field `name`"),
            ("name = \"mars\"", "name = \"mars\"\nname = \"x\"", "10:1: `name`: duplicate key"),
            (
                "[timers]",
                "[timer]",
                "5:2: `timer`: unknown field `timer`, expected one of `profile`, `primary_transport`, `config_servers`, `default_madp`, `checksums`, `tai_minus_utc`, `continuum`, `timers`, `policy`, `transport`, `delivery_point`, `ip_multicast`, `remote_continuum`, `venture`",
            ),
            ("config_servers = [\"@:2357\"]", "", "1:1: the text: missing field `config_servers`"),
            (
                "authority = \"test\"",
                "authority = \"test\"\nnetwork = \"ring\"",
                "14:11: `\"ring\"`: unknown variant `ring`, expected `mesh` or `tree`",
            ),
        ],
        toml,
    );
}

#[test]
fn toml_with_values_that_make_no_sense() {
    all(
        &[
            ("number = 2", "number = 32768", "3:10: continuum.number: 32768 is out of range"),
            ("number = 2", "number = 70000", "3:10: continuum.number: 70000 is out of range"),
            (
                "n1 = 5",
                "n1 = -1",
                "6:6: timers.n1: cannot convert float seconds to Duration: value is negative",
            ),
            (
                "n1 = 5",
                "n1 = nan",
                "6:6: timers.n1: cannot convert float seconds to Duration: value is either too big or NaN",
            ),
            ("n1 = 5", "n6 = 256", "6:6: timers.n6: 256 is out of range"),
            (
                "[continuum]",
                "tai_minus_utc = 128\n[continuum]",
                "2:17: tai_minus_utc: 128 is out of range",
            ),
            (
                "name = \"field\"",
                "name = \"field\"\npublic_key = \"0\"",
                "5:14: continuum.public_key: a key is an even number of hexadecimal digits",
            ),
            (
                "name = \"field\"",
                "name = \"field\"\nprivate_key = \"é0\"",
                "5:15: continuum.private_key: a key is an even number of hexadecimal digits",
            ),
            (
                "[\"ssd\"]",
                "[\"ssd\", \"ssm\"]",
                "23:19: subject.senders: no role of the venture is named `ssm`",
            ),
            (
                "[\"ssd\"]",
                "[]\nreceivers = [\"ssm\"]",
                "24:14: subject.receivers: no role of the venture is named `ssm`",
            ),
            (
                "number = 1\nname = \"river\"",
                "number = 65536\nname = \"river\"",
                "15:10: unit.number: 65536 is out of range",
            ),
        ],
        toml,
    );
}

#[test]
fn toml_that_does_not_agree_with_itself() {
    all(
        &[
            ("number = 2", "number = 0", "2:1: continuum 0: its number is not above 0"),
            ("name = \"field\"", "name = \"\"", "2:1: continuum 2: it has no name"),
            ("n1 = 5", "n1 = 0", "5:1: the timers: one of N1, N2 and N3 is zero"),
            ("n1 = 5", "n6 = 0", "5:1: the timers: N6 is zero"),
            (
                "[\"@:2357\"]",
                "[]",
                "1:18: the configuration server: no location of the configuration server is given",
            ),
            (
                "[\"@:2357\"]",
                "[\"@:2357\", \"a,b\"]",
                "1:29: the configuration server at `a,b`: the endpoint has a bad character",
            ),
            (
                "[continuum]",
                "primary_transport = \"u=p\"\n[continuum]",
                "2:21: the primary transport `u=p`: the name of the transport service has a bad character",
            ),
            (
                "[continuum]",
                "default_madp = \"é\"\n[continuum]",
                "2:16: the default MADP `é`: the endpoint has a bad character",
            ),
            (
                "[timers]",
                "[[transport]]\nname = \"a-very-long-name\"\nsequence = \"arrival\"\ndiligence = \"assured\"\n[timers]",
                "5:1: transport service `a-very-long-name`: the name of the transport service is too long",
            ),
            (
                "[timers]",
                "[[delivery_point]]\nservice = \"x\"\nendpoint = \"@\"\n[timers]",
                "5:1: delivery point `x=@`: the transport service is not known",
            ),
            (
                "[\"@:2357\"]",
                "[\"@:2357\", \"post\"]",
                "1:29: the configuration server at `post`: it has no port",
            ),
            (
                "[\"@:2357\"]",
                "[\"@:0\"]",
                "1:19: the configuration server at `@:0`: port 0 names no port",
            ),
            (
                "[\"@:2357\"]",
                "[\"@:2357\"]\ndefault_madp = \"1.2.3:4\"",
                "2:16: the default MADP `1.2.3:4`: the host is no address",
            ),
            (
                "[timers]",
                "[[delivery_point]]\nservice = \"udp\"\nendpoint = \"@:x\"\n[timers]",
                "5:1: delivery point `udp=@:x`: the port is no number from 0 to 65535",
            ),
            (
                "[timers]",
                "[ip_multicast]\nmask = \"239.0.0.0\"\nmask_length = 8\nunit_bits = 8\n\
                 subject_bits = 8\nport = 1\n[timers]",
                "5:1: IP multicast: the bits of a group are not as they must be",
            ),
            (
                "number = 3\nname = \"mars\"",
                "number = 2\nname = \"mars\"",
                "7:1: continuum 2 `mars`: its number is used twice",
            ),
            ("application = \"sensing\"", "application = \"\"", "10:1: venture 1: it has no name"),
            ("authority = \"test\"", "authority = \"\"", "10:1: venture 1: it has no authority"),
            ("name = \"river\"", "", "14:1: unit 1 `` of venture 1: it has no name"),
            (
                "number = 1\nname = \"river\"",
                "number = 0\nname = \"river\"",
                "14:1: unit 0 `river` of venture 1: the root unit has a name",
            ),
            (
                "number = 2\nname = \"ssd\"",
                "number = 1\nname = \"ssd\"",
                "17:1: role 1 `ssd` of venture 1: role 1 is the RAMS gateway's",
            ),
            (
                "number = 1\nname = \"report\"",
                "number = 0\nname = \"report\"",
                "20:1: subject 0 `report` of venture 1: its number is not above 0",
            ),
            (
                "[[venture.subject]]",
                "[[venture.subject]]\nnumber = 5\nname = \"report\"\n[[venture.subject]]",
                "20:1: subject 5 `report` of venture 1: its name is used twice",
            ),
            (
                "continuum = 3",
                "continuum = 2",
                "24:1: the space of venture 1 in continuum 2: its continuum is the local one",
            ),
            (
                "continuum = 3",
                "continuum = 4",
                "24:1: the space of venture 1 in continuum 4: continuum 4 is not known",
            ),
            (
                "gateway = \"udp@x:1\"",
                "gateway = \"\"",
                "24:1: the space of venture 1 in continuum 3: it has no gateway",
            ),
        ],
        toml,
    );
}

#[test]
fn amsrc_that_is_not_the_grammar() {
    all(
        &[
            ("*continuum", "continuum", "3:1: the line: `continuum` is not `+`, `*`, `-` or `#`"),
            (
                "*continuum",
                " *continuum",
                "3:1: the line: `*continuum` is not `+`, `*`, `-` or `#`",
            ),
            ("*continuum", "*", "3:2: the line: `nbr=3` is not the name of an element"),
            (
                "nbr=3 name=mars",
                "nbr=3 name",
                "3:18: the line: `name` is not an attribute `name=value`",
            ),
            (
                "nbr=3 name=mars",
                "nbr=3 name=",
                "3:23: the line: the end of the line is not a value",
            ),
            ("nbr=3 name=mars", "nbr=3 name='mars", "3:24: the line: `mars` is not closed by `'`"),
            ("nbr=3 name=mars", "nbr=3 name={mars", "3:24: the line: `mars` is not closed by `}`"),
            (
                "nbr=3 name=mars",
                "nbr=3 name='mars'x",
                "3:29: the line: `x` is not an attribute `name=value`",
            ),
            ("-subject", "-venture", "11:2: `-venture`: `subject` is still open"),
            ("-ams_mib_add\n", "", "2:2: `+ams_mib_add`: it is not ended"),
            ("+ams_mib_add", "", "15:2: `-ams_mib_add`: no element is open"),
        ],
        amsrc,
    );
}

#[test]
fn amsrc_with_elements_and_attributes_out_of_place() {
    all(
        &[
            (AMSRC, "", "1:1: the file: there is no `ams_mib_init`"),
            (AMSRC, "*continuum nbr=3 name=mars", "1:2: `continuum`: there is no MIB yet"),
            (
                "+ams_mib_add",
                "*ams_mib_init continuum_nbr=2 ptsname=udp\n+ams_mib_add",
                "2:2: `ams_mib_init`: the MIB is there already",
            ),
            (
                "*ams_mib_init continuum_nbr=2",
                "*ams_mib_init",
                "1:2: `ams_mib_init`: attribute `continuum_nbr` is missing",
            ),
            ("ptsname=udp", "", "1:2: `ams_mib_init`: attribute `ptsname` is missing"),
            (
                "continuum_nbr=2",
                "continuum_nbr=0",
                "1:29: `continuum_nbr` of `ams_mib_init`: it cannot be `0`",
            ),
            (
                "continuum_nbr=2",
                "continuum_nbr=two",
                "1:29: `continuum_nbr` of `ams_mib_init`: it cannot be `two`",
            ),
            (
                "ptsname=udp",
                "ptsname=udp pubkey=lost",
                "1:50: `pubkey` of `ams_mib_init`: there is no key `lost`",
            ),
            (
                "+ams_mib_add",
                "+ams_mib_add now=1",
                "2:14: `ams_mib_add`: there is no attribute `now`",
            ),
            (
                "*continuum",
                "+ams_mib_change\n-ams_mib_change\n*continuum",
                "3:2: `ams_mib_change`: it is within another operation",
            ),
            ("*continuum", "*planet", "3:2: `planet`: there is no such element"),
            (
                "nbr=3 name=mars",
                "nbr=3 name=mars nbr=3",
                "3:28: `continuum`: attribute `nbr` is given twice",
            ),
            (
                "nbr=3 name=mars",
                "nbr=3 name=mars colour=red",
                "3:28: `continuum`: there is no attribute `colour`",
            ),
            ("nbr=3 name=mars", "nbr=3", "3:2: `continuum`: attribute `name` is missing"),
            ("nbr=3 name=mars", "name=mars", "3:2: `continuum`: attribute `nbr` is missing"),
            (
                "nbr=3 name=mars",
                "nbr=3 name=mars neighbor=yes",
                "3:37: `neighbor` of `continuum`: it cannot be `yes`",
            ),
            (
                "*continuum nbr=3 name=mars",
                "+continuum nbr=3 name=mars\n*role name=x\n-continuum",
                "4:2: `role`: it cannot be within `continuum`",
            ),
            (
                "*csendpoint epspec=@:2357",
                "*csendpoint",
                "4:2: `csendpoint`: attribute `epspec` is missing",
            ),
            (
                "*csendpoint epspec=@:2357",
                "*csendpoint epspec=@:2357 after=1",
                "4:2: `csendpoint`: fewer than 1 others are there",
            ),
            (
                "amsendpoint tsname=udp",
                "amsendpoint tsname=pigeon",
                "5:21: `tsname` of `amsendpoint`: it cannot be `pigeon`",
            ),
            (
                "*application name=sensing",
                "*application name=x",
                "7:2: `venture`: there is no application `sensing`",
            ),
            ("nbr=1 appname", "appname", "7:2: `venture`: attribute `nbr` is missing"),
            ("nbr=1 appname", "nbr=256 appname", "7:14: `nbr` of `venture`: it cannot be `256`"),
            (
                "authname=test",
                "authname=test net_config=ring",
                "7:57: `net_config` of `venture`: it cannot be `ring`",
            ),
            (
                "authname=test",
                "authname=test gweid=here",
                "7:52: `gweid` of `venture`: it cannot be `here`",
            ),
            (
                "*role nbr=2",
                "+venture appname=sensing authname=test\n-venture\n*role nbr=2",
                "8:2: `venture`: it is within another venture",
            ),
            (
                "*role nbr=2 name=ssd",
                "*role nbr=2 name=ssd authname=x",
                "8:31: `authname` of `role`: it cannot be `x`",
            ),
            (
                "*role nbr=2 name=ssd",
                "*role nbr=256 name=ssd",
                "8:11: `nbr` of `role`: it cannot be `256`",
            ),
            (
                "*sender name=ssd",
                "*sender name=ssm",
                "10:14: `name` of `sender`: it cannot be `ssm`",
            ),
            (
                "*sender name=ssd",
                "+subject name=report\n-subject",
                "10:2: `subject`: it is within another subject",
            ),
            (
                "-subject",
                "-subject\n*receiver name=ssd",
                "12:2: `receiver`: it is not within a `subject`",
            ),
            (
                "*unit nbr=1",
                "*unit nbr=0",
                "12:2: unit 0 `river` of venture 1: its number is used twice",
            ),
            (
                "*msgspace nbr=3",
                "*msgspace nbr=40000",
                "13:15: `nbr` of `msgspace`: it cannot be `40000`",
            ),
            (
                "*msgspace nbr=3",
                "*msgspace nbr=2 gweid=udp@x:1",
                "13:2: `msgspace`: it is in the local continuum",
            ),
            (
                "-venture\n",
                "-venture\n*role nbr=9 name=x\n",
                "15:2: `role`: it is not within a `venture`",
            ),
            (
                "-ams_mib_add",
                "-ams_mib_add\n*csendpoint epspec=@:1",
                "16:2: `csendpoint`: it is not within an operation",
            ),
        ],
        amsrc,
    );
}

#[test]
fn amsrc_that_changes_or_deletes_what_it_cannot() {
    let end = "-venture\n-ams_mib_add";
    all(
        &[
            (
                "-subject",
                "-subject\n*role nbr=3 name=ssd",
                "12:2: `role`: it is there already, with other attributes",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_change\n*csendpoint epspec=@:1\n-ams_mib_change",
                "17:2: `csendpoint`: it cannot be changed",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_change\n*amsendpoint tsname=udp epspec=@\n-ams_mib_change",
                "17:2: `amsendpoint`: it cannot be changed",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_change\n*continuum name=venus desc=x\n-ams_mib_change",
                "17:2: `continuum`: there is none like it",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_delete\n*csendpoint after=1\n-ams_mib_delete",
                "17:2: `csendpoint`: there is none like it",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_delete\n*application name=sensing\n-ams_mib_delete",
                "17:2: `application`: a venture addresses it",
            ),
            (
                end,
                "+ams_mib_delete\n-ams_mib_delete\n-venture\n-ams_mib_add",
                "14:2: `ams_mib_delete`: it is within another operation",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+ams_mib_delete\n*continuum name=mars\n-ams_mib_delete",
                "13:2: the space of venture 1 in continuum 3: continuum 3 is not known",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+venture appname=sensing authname=test\n+ams_mib_delete\n*role name=ssd\n-ams_mib_delete\n-venture",
                "10:2: subject 1 `report` of venture 1: there is no role 2",
            ),
            (
                end,
                "-venture\n-ams_mib_add\n+venture appname=sensing authname=x\n-venture",
                "16:2: `venture`: there is none like it",
            ),
        ],
        amsrc,
    );
}

#[test]
fn amsrc_that_does_not_agree_with_itself() {
    all(
        &[
            (
                "*csendpoint epspec=@:2357",
                "",
                "1:2: the configuration server: no location of the configuration server is given",
            ),
            (
                "*role nbr=2 name=ssd",
                "*role nbr=2 name=ssd\n*role nbr=255 name=x",
                "9:2: role 255 `x` of venture 1: its number is used twice",
            ),
            (
                "*role nbr=2 name=ssd",
                "*role nbr=2 name=ssd\n*role nbr=2 name=x",
                "9:2: role 2 `x` of venture 1: its number is used twice",
            ),
            (
                "*unit nbr=1 name=river",
                "*unit nbr=1 name=river\n*unit nbr=1 name=x",
                "13:2: unit 1 `x` of venture 1: its number is used twice",
            ),
            (
                "*continuum nbr=3 name=mars",
                "*continuum nbr=4 name=mars",
                "13:2: the space of venture 1 in continuum 3: continuum 3 is not known",
            ),
            (
                "epspec=@:5001",
                "epspec=a,b",
                "5:2: delivery point `udp=a,b:0`: the endpoint has a bad character",
            ),
        ],
        amsrc,
    );
}

#[test]
fn xml_errors_point_into_the_xml() {
    let error = |text: &str| told(&from_xml(&Bump::new(), text, "x", &NoKeys).unwrap_err());
    let cases = [
        (
            "<ams_mib_load>\n  <ams_mib_init>",
            "1:1: the XML: the root node was opened but never closed",
        ),
        ("<!DOCTYPE x []><x/>", "1:1: the XML: XML with DTD detected"),
        (
            "<ams_mib_load>\n  <ams_mib_init continuum_nbr=\"x\"\n ptsname=\"udp\"/></ams_mib_load>",
            "2:32: `continuum_nbr` of `ams_mib_init`: it cannot be `x`",
        ),
        (
            "<ams_mib_load>\n  <ams_mib_init colour=\"x\"/></ams_mib_load>",
            "2:17: `ams_mib_init`: there is no attribute `colour`",
        ),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, expected)| (text, error(text), expected))
        .filter(|(_, error, expected)| error != *expected)
        .map(|(text, error, _)| format!("({text:?}, {error:?}),"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
