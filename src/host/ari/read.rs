//! Text to octets. The type of a value decides how it is read.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, space0};
use nom::combinator::opt;
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{delimited, preceded, terminated};
use nom::{Err, IResult, Parser};

use super::{AriFault, AriText, begins_with_type, fields, is_identifier, is_plain};
use crate::management::adm::Field;
use crate::management::amp::{
    Ari, AriValues, ArrayWriter, Collection, Literal, Name, Nickname, TnvValues, Tnvc, TnvcValues,
    TypeCode, Value,
};
use crate::wire::written;

/// How deep texts may lie in one another; octets may no deeper.
const DEPTH: usize = 24;

/// What was expected, and the text found in its place.
#[derive(Debug)]
struct Fault<'t> {
    at: &'t str,
    expected: &'static str,
}

impl<'t> ParseError<&'t str> for Fault<'t> {
    fn from_error_kind(at: &'t str, _kind: ErrorKind) -> Self {
        Self { at, expected: "something else" }
    }

    fn append(_input: &'t str, _kind: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'t, T> = IResult<&'t str, T, Fault<'t>>;

/// A value: its type, its name where it is given by name, or its octets.
struct Given<'t> {
    code: TypeCode,
    name: Option<&'t str>,
    octets: Vec<u8>,
}

pub(super) fn ari(names: &AriText<'_>, text: &str) -> Result<Vec<u8>, AriFault> {
    let reader = Reader { names, depth: DEPTH };
    let fault = |at: &str, expected: String| AriFault {
        offset: text.len().saturating_sub(at.len()),
        expected,
    };
    match delimited(space0, |text| reader.ari(text), space0).parse(text) {
        Ok(("", octets)) => match Ari::parse(&octets, names.profile) {
            Ok(_) => Ok(octets),
            Err(error) => Err(fault(text, format!("what AMP allows, and it is {error},"))),
        },
        Ok((rest, _)) => Err(fault(rest, "the end".into())),
        Err(Err::Error(error) | Err::Failure(error)) => Err(fault(error.at, error.expected.into())),
        Err(Err::Incomplete(_)) => Err(fault("", "more".into())),
    }
}

fn expected<'t, T>(at: &'t str, expected: &'static str) -> Parsed<'t, T> {
    Err(Err::Failure(Fault { at, expected }))
}

fn array(elements: &[Vec<u8>]) -> Vec<u8> {
    written(|to| {
        let mut array = ArrayWriter::new(to);
        for element in elements {
            array.element();
            to.octets(element)?;
        }
        array.finish(to)
    })
}

/// Octets in hexadecimal.
fn hexadecimal(text: &str) -> Parsed<'_, Vec<u8>> {
    let (rest, digits) = take_while(|c: char| c.is_ascii_hexdigit()).parse(text)?;
    let octets: Option<Vec<u8>> = (digits.as_bytes())
        .chunks(2)
        .map(|pair| match pair {
            [_, _] => u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok(),
            _ => None,
        })
        .collect();
    match octets {
        Some(octets) => Ok((rest, octets)),
        None => expected(text, "pairs of hexadecimal digits"),
    }
}

/// The octets that a part of a path stands for.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        (rest, _) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                let octet = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
                (behind, octets.push(u8::try_from(octet).ok()?))
            }
            (b'%', _) => return None,
            _ => (behind, octets.push(first)),
        };
    }
    Some(octets)
}

/// Something between two characters, with others like it.
fn list<'t, T>(
    open: char,
    close: char,
    each: impl FnMut(&'t str) -> Parsed<'t, T>,
    text: &'t str,
) -> Parsed<'t, Vec<T>> {
    let mut each = delimited(space0, each, space0);
    let (mut rest, _) = terminated(char(open), space0).parse(text)?;
    let mut all = Vec::new();
    if let Ok((rest, _)) = char::<_, Fault<'t>>(close).parse(rest) {
        return Ok((rest, all));
    }
    loop {
        let (behind, one) = each.parse(rest)?;
        all.push(one);
        if let Ok((behind, _)) = char::<_, Fault<'t>>(close).parse(behind) {
            return Ok((behind, all));
        }
        rest = match char::<_, Fault<'t>>(',').parse(behind) {
            Ok((behind, _)) => behind,
            Err(_) => return expected(behind, "`,` or the closing bracket"),
        };
    }
}

/// The name of a type in parentheses.
fn type_name(text: &str) -> Parsed<'_, TypeCode> {
    let word = take_while1(|c: char| c.is_ascii_alphanumeric());
    let (rest, name) = delimited(char('('), word, char(')')).parse(text)?;
    match TypeCode::named(name) {
        Some(code) => Ok((rest, code)),
        None => expected(text, "the name of a type"),
    }
}

/// Text between quotation marks, in which `\` takes the next character as it is.
fn quoted(text: &str) -> Parsed<'_, String> {
    let (inner, _) = char('"').parse(text)?;
    let mut value = String::new();
    let mut letters = inner.chars();
    loop {
        match letters.next() {
            Some('"') => return Ok((letters.as_str(), value)),
            Some('\\') => match letters.next() {
                Some(letter) => value.push(letter),
                None => return expected("", "a character behind `\\`"),
            },
            Some(letter) => value.push(letter),
            None => return expected(text, "a closing quotation mark"),
        }
    }
}

fn word(text: &str) -> Parsed<'_, &str> {
    let plain = |c: char| u8::try_from(c).is_ok_and(is_plain);
    match take_while1::<_, _, Fault<'_>>(plain).parse(text) {
        Ok(found) => Ok(found),
        Err(_) => expected(text, "a value"),
    }
}

fn parsed<'t, T: core::str::FromStr>(text: &'t str, what: &'static str) -> Parsed<'t, T> {
    let (rest, word) = word(text)?;
    match word.parse() {
        Ok(value) => Ok((rest, value)),
        Err(_) => expected(text, what),
    }
}

/// Finds what is named.
#[derive(Clone, Copy)]
struct Reader<'a> {
    names: &'a AriText<'a>,
    depth: usize,
}

impl Reader<'_> {
    fn ari<'t>(mut self, text: &'t str) -> Parsed<'t, Vec<u8>> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return expected(text, "less within one another");
        };
        self.depth = depth;
        if !text.starts_with('(') {
            return self.object(text);
        }
        let (value, code) = terminated(type_name, space0).parse(text)?;
        if !code.is_primitive() {
            return expected(text, "a primitive type");
        }
        let (rest, value) = self.simple(code, value, |value| {
            let quirks = self.names.profile.sends();
            Literal::new(value).map(|literal| written(|to| literal.encode(to, quirks)))
        })?;
        match value {
            Some(octets) => Ok((rest, octets)),
            None => expected(text, "a primitive type"),
        }
    }

    fn object<'t>(self, text: &'t str) -> Parsed<'t, Vec<u8>> {
        let Ok((path, _)) = tag::<_, _, Fault<'t>>("ari:/").parse(text) else {
            return expected(text, "`ari:/` or a type in parentheses");
        };
        let of_path = |c: char| {
            u8::try_from(c)
                .is_ok_and(|octet| is_plain(octet) || matches!(octet, b'/' | b'%' | b'#'))
        };
        let (rest, path) = take_while(of_path).parse(path)?;
        let (namespace, last) = match path.rsplit_once('/') {
            Some((namespace, last)) => (Some(namespace), last),
            None => (None, path),
        };
        let Some((kind, name)) = last.split_once('.') else {
            return expected(last, "a kind, `.` and a name");
        };
        let collection =
            Collection::NAMED.iter().copied().find(|collection| collection.name() == Some(kind));
        let object = collection.and_then(Collection::object).or(TypeCode::named(kind));
        let Some(object) = object.filter(|object| object.is_object() && *object != TypeCode::LIT)
        else {
            return expected(last, "the name of a collection or of a type of objects");
        };

        let mut values = AriValues::new(object, Name::Octets(&[]));
        let mut parameters: &[Field] = &[];
        let (given, segments);
        let adm = namespace.and_then(|namespace| self.names.adm(namespace));
        if let (Some(adm), Some(collection)) = (adm, collection) {
            let number =
                || name.parse().ok().filter(|index| adm.object(collection, *index).is_some());
            let Some(index) = adm.named(collection, name).map(|id| id.index).or_else(number) else {
                return expected(name, "the name of an object of that collection");
            };
            values.nickname = Some(adm.nickname(collection));
            values.name = Name::Index(index);
            parameters = fields(adm.object(collection, index));
        } else if let Some(nickname) = namespace.and_then(|namespace| namespace.strip_prefix('#')) {
            let (Ok(nickname), Ok(index)) = (nickname.parse(), name.parse()) else {
                return expected(path, "a nickname and an index, which are numbers");
            };
            values.nickname = Some(Nickname(nickname));
            values.name = Name::Index(index);
        } else {
            let parts: Option<Vec<_>> =
                namespace.iter().flat_map(|all| all.split('/')).map(unescaped).collect();
            let (Some(parts), Some(octets)) = (parts, unescaped(name)) else {
                return expected(path, "two hexadecimal digits behind each `%`");
            };
            (given, segments) = (octets, parts);
            values.name = Name::Octets(&given);
            values.issuer = segments.first().map(Vec::as_slice);
            values.tag = segments.get(1).map(Vec::as_slice);
            if segments.len() > 2 {
                return expected(path, "an ADM that is known, or an issuer and a tag");
            }
        }
        self.parameterized(values, parameters, rest)
    }

    fn parameterized<'t>(
        self,
        object: AriValues<'_>,
        fields: &[Field],
        text: &'t str,
    ) -> Parsed<'t, Vec<u8>> {
        let quirks = self.names.profile.sends();
        let mut rest = text;
        let octets;
        let mut values = object;
        if text.starts_with('(') {
            (rest, octets) = self.tnvc('(', ')', fields, text)?;
            match Tnvc::parse(&octets, self.names.profile) {
                Ok(parsed) => values.parameters = Some(TnvcValues::Encoded(parsed)),
                Err(_) => return expected(text, "a collection"),
            }
        }
        Ok((rest, written(|to| values.encode(to, quirks))))
    }

    /// Values between two characters, or octets behind `#`.
    fn tnvc<'t>(
        self,
        open: char,
        close: char,
        fields: &[Field],
        text: &'t str,
    ) -> Parsed<'t, Vec<u8>> {
        let raw = delimited((char(open), char('#')), hexadecimal, char(close));
        if let (rest, Some(octets)) = opt(raw).parse(text)? {
            return Ok((rest, octets));
        }
        let mut fields = fields.iter();
        let each = |text| self.value(fields.next().map(|field| field.code), text);
        let (rest, values) = list(open, close, each, text)?;
        Ok((rest, self.collected(&values)))
    }

    fn collected(self, values: &[Given<'_>]) -> Vec<u8> {
        let quirks = self.names.profile.sends();
        if values.is_empty() {
            return vec![0];
        }
        let mixed = values.iter().any(|value| value.name.is_some());
        let count = Value::Uvast(u64::try_from(values.len()).unwrap_or(u64::MAX));
        let mut octets = vec![if mixed { 8 } else { 5 }];
        octets.extend(written(|to| count.encode(to, quirks)));
        if !mixed {
            octets.extend(values.iter().map(|value| value.code.0));
        }
        for value in values {
            if mixed && value.name.is_none() {
                octets.extend([0x82, value.code.0]);
            } else if mixed {
                let named = TnvValues { code: value.code, name: value.name, value: None };
                octets.extend(written(|to| named.encode(to, quirks)));
            }
            octets.extend(&value.octets);
        }
        octets
    }

    fn value<'t>(mut self, known: Option<TypeCode>, text: &'t str) -> Parsed<'t, Given<'t>> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return expected(text, "less within one another");
        };
        self.depth = depth;
        // Where an identifier or an expression is known to be, its own type may begin it.
        let told = terminated(type_name, space0).parse(text).ok();
        let (text, code) = match (told, known) {
            (Some((rest, told)), known)
                if known.is_none_or(|known| known == told || !begins_with_type(known)) =>
            {
                (rest, told)
            }
            (_, Some(known)) => (text, known),
            (_, None) if text.starts_with('"') => (text, TypeCode::STR),
            (_, None) => return expected(text, "the type of the value in parentheses"),
        };
        let name = take_while1(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if let Ok((rest, name)) = delimited(char::<_, Fault<'t>>('<'), name, char('>')).parse(text)
        {
            return Ok((rest, Given { code, name: Some(name), octets: Vec::new() }));
        }
        let (rest, octets) = self.plain(code, text)?;
        Ok((rest, Given { code, name: None, octets }))
    }

    fn plain<'t>(self, code: TypeCode, text: &'t str) -> Parsed<'t, Vec<u8>> {
        match code {
            TypeCode::ARI => self.ari(text),
            TypeCode::AC => self.ac(text),
            TypeCode::TNVC => self.tnvc('{', '}', &[], text),
            TypeCode::EXPR => {
                let Ok((rest, code)) = terminated(type_name, space0).parse(text) else {
                    return expected(text, "the type of the expression in parentheses");
                };
                let (rest, items) = self.ac(rest)?;
                Ok((rest, [&[code.0][..], &items].concat()))
            }
            code if is_identifier(code) => self.ari(text),
            code if code.is_object() => preceded(tag("0x"), hexadecimal).parse(text),
            code => {
                let quirks = self.names.profile.sends();
                self.simple(code, text, |value| written(|to| value.encode(to, quirks)))
            }
        }
    }

    fn ac<'t>(self, text: &'t str) -> Parsed<'t, Vec<u8>> {
        if !text.starts_with('[') {
            return expected(text, "`[`");
        }
        let (rest, items) = list('[', ']', |text| self.ari(text), text)?;
        Ok((rest, array(&items)))
    }

    /// Reads a value of one item and gives it to `make`.
    fn simple<'t, T>(
        self,
        code: TypeCode,
        text: &'t str,
        make: impl FnOnce(Value<'_>) -> T,
    ) -> Parsed<'t, T> {
        let number = "a number in the range of its type";
        let (rest, value) = match code {
            TypeCode::BOOL => {
                let (rest, value) = parsed(text, "true or false")?;
                (rest, Value::Bool(value))
            }
            TypeCode::STR if text.starts_with('"') => {
                let (rest, value) = quoted(text)?;
                return Ok((rest, make(Value::Str(&value))));
            }
            TypeCode::STR => {
                let (rest, value) = word(text)?;
                (rest, Value::Str(value))
            }
            TypeCode::BYTESTR => {
                let Ok((digits, _)) = tag::<_, _, Fault<'t>>("0x").parse(text) else {
                    return expected(text, "`0x` and hexadecimal digits");
                };
                let (rest, value) = hexadecimal(digits)?;
                return Ok((rest, make(Value::Bytes(&value))));
            }
            TypeCode::BYTE => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Byte(value))
            }
            TypeCode::INT => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Int(value))
            }
            TypeCode::UINT => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Uint(value))
            }
            TypeCode::VAST => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Vast(value))
            }
            TypeCode::UVAST => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Uvast(value))
            }
            TypeCode::REAL32 => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Real32(value))
            }
            TypeCode::REAL64 => {
                let (rest, value) = parsed(text, number)?;
                (rest, Value::Real64(value))
            }
            TypeCode::TV => {
                let (rest, value) = parsed(text, "seconds")?;
                (rest, Value::Tv(value))
            }
            TypeCode::TS => {
                let (rest, value) = parsed(text, "seconds")?;
                (rest, Value::Ts(value))
            }
            _ => return expected(text, "a value of a type that has a text"),
        };
        Ok((rest, make(value)))
    }
}
