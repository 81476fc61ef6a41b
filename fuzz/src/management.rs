//! What the targets of asynchronous management share: a board, and definitions and other
//! controls made of a few octets of fuzz.

use farpost::management::adm::{Adm, ConstDef, CtrlDef, EddDef, Field, Label, TbltDef};
use farpost::management::agent::{Application, Collected, Failed, Object};
use farpost::management::amp::{TypeCode, Value};
use farpost::time::Now;

use super::{Result, Unstructured, u8};

const LABEL: Label = Label::new("", "");

static BOARD: Adm = Adm {
    enumeration: 2,
    metadata: &[ConstDef { value: Value::Str("board"), label: LABEL }],
    constants: &[ConstDef { value: Value::Uint(3), label: LABEL }],
    controls: &[
        CtrlDef { parameters: &[], label: LABEL },
        CtrlDef { parameters: &[Field::new(TypeCode::UINT, "to")], label: LABEL },
    ],
    data: &[
        EddDef { code: TypeCode::UINT, parameters: &[], label: LABEL },
        EddDef { code: TypeCode::REAL64, parameters: &[], label: LABEL },
        EddDef { code: TypeCode::STR, parameters: &[], label: LABEL },
    ],
    macros: &[],
    operators: &[],
    report_templates: &[],
    table_templates: &[TbltDef { columns: &[Field::new(TypeCode::UINT, "row")], label: LABEL }],
    variables: &[],
};
pub static ADMS: &[&Adm] = &[&BOARD];

/// Its values are what the last octet says; every seventh is not there.
pub struct Board(pub u8);

impl Application for Board {
    fn collect(
        &mut self,
        _: Now,
        edd: Object,
        _: &[Value<'_>],
    ) -> std::result::Result<Collected<'_>, Failed> {
        if self.0 % 7 == 0 {
            return Err(Failed);
        }
        Ok(Collected::fresh(match edd.index {
            0 => Value::Uint(self.0.into()),
            1 => Value::Real64(f64::from(self.0) / 3.0),
            _ => Value::Str("text"),
        }))
    }

    fn control(
        &mut self,
        _: Now,
        ctrl: Object,
        parameters: &[Value<'_>],
    ) -> std::result::Result<(), Failed> {
        match (ctrl.index, parameters) {
            (0, []) | (1, [Value::Uint(_)]) => Ok(()),
            other => panic!("{other:?} is not of the ADM"),
        }
    }

    fn row(&mut self, _: Now, _: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        cell(Value::Uint(row));
        row < u32::from(self.0 % 4)
    }
}

/// The octets of objects, as far as they have less than 24 parts.
pub mod octets {
    pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
        let mut all = vec![0x80 | items.len().min(23) as u8];
        items.iter().take(23).for_each(|item| all.extend(item));
        all
    }

    /// One of the names that are used, of an object of this type.
    pub fn user(object: u8, name: u8) -> Vec<u8> {
        vec![object, 0x41, b'0' + name % 5]
    }

    pub fn adm(object: u8, nickname: u8, index: u8) -> Vec<u8> {
        vec![0x80 | object, 0x18, nickname, 0x41, index % 24]
    }

    /// A control of the agent with parameters of these types.
    pub fn own(index: u8, types: &[u8], values: &[Vec<u8>]) -> Vec<u8> {
        let mut all = vec![0xc1, 21, 0x41, index, 5, types.len() as u8];
        all.extend(types);
        values.iter().for_each(|value| all.extend(value));
        all
    }
}

use octets::{adm, array, own, user};

pub const VAR: u8 = 12;
pub const RPTT: u8 = 7;
pub const MAC: u8 = 4;
pub const SBR: u8 = 8;
pub const TBR: u8 = 11;

fn expression(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let code = 16 + u8(u)? % 9;
    let mut items = Vec::new();
    for _ in 0..u8(u)? % 10 {
        let which = u8(u)?;
        items.push(match which % 8 {
            0 => adm(2, 42, which / 8 % 4),
            1 => vec![0x43, which / 8 % 24],
            2 => user(VAR, which / 8),
            3 => adm(2, 22, which / 8 % 15).into_iter().filter(|octet| *octet != 0x18).collect(),
            4 => adm(0, 40, which / 8 % 2),
            _ => {
                let index = u8(u)? % 53;
                let mut oper = vec![0x85, 0x18, 24];
                if index < 24 {
                    oper.extend([0x41, index]);
                } else {
                    oper.extend([0x42, 0x18, index]);
                }
                oper
            }
        });
    }
    Ok([vec![code], array(&items)].concat())
}

fn action(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut items = Vec::new();
    for _ in 0..u8(u)? % 4 {
        items.push(control(u, false)?);
    }
    Ok(array(&items))
}

fn names(u: &mut Unstructured<'_>, object: u8) -> Result<Vec<u8>> {
    let mut items = Vec::new();
    for _ in 0..u8(u)? % 4 {
        items.push(user(object, u8(u)?));
    }
    Ok(array(&items))
}

/// A control, well-formed but for what is asked of its parts.
pub fn control(u: &mut Unstructured<'_>, outer: bool) -> Result<Vec<u8>> {
    let (which, name) = (u8(u)?, u8(u)?);
    let receivers = if name % 2 == 0 { vec![0] } else { vec![5, 1, 18, 0x61, b'A' + name % 4] };
    let kinds = if outer { 14 } else { 8 };
    Ok(match which % kinds {
        0 => adm(1, 41, 0),
        1 => vec![0xc1, 0x18, 41, 0x41, 1, 5, 1, 20, name % 24],
        2 => user(MAC, name),
        3 => own(5, &[37, 35], &[names(u, [VAR, RPTT][usize::from(name % 2)])?, receivers]),
        4 => own(5, &[37, 35], &[array(&[adm(2, 42, name % 4)]), receivers]),
        5 => {
            let table =
                if name % 2 == 0 { adm(10, 47, 0) } else { vec![0x8a, 0x18, 27, 0x41, name % 7] };
            own(6, &[37, 35], &[array(&[table]), receivers])
        }
        6 => own(14, &[36, 38], &[user(VAR, name), expression(u)?]),
        7 => own(
            [1, 3, 8, 12][usize::from(which / 64)],
            &[37],
            &[names(u, [VAR, RPTT, MAC, TBR][usize::from(which / 64)])?],
        ),
        8 => {
            let body = expression(u)?;
            let code = if name > 200 { 20 } else { body[0] };
            own(0, &[36, 38, 17], &[user(VAR, name), body, vec![code]])
        }
        9 => {
            let mut items = Vec::new();
            for _ in 0..u8(u)? % 5 {
                let part = u8(u)?;
                items.push(match part % 3 {
                    0 => adm(2, 42, part / 3 % 4),
                    1 => user(VAR, part / 3),
                    _ => user(RPTT, part / 3),
                });
            }
            own(2, &[36, 37], &[user(RPTT, name), array(&items)])
        }
        10 => own(7, &[18, 36, 37], &[vec![0x60], user(MAC, name), action(u)?]),
        11 => {
            let (start, period, count) = (u8(u)? % 24, u8(u)? % 24, u8(u)? % 24);
            let numbers = [vec![start], vec![period], vec![count]];
            let [start, period, count] = numbers;
            let all = [user(TBR, name), start, period, count, action(u)?, vec![0x60]];
            own(10, &[36, 32, 32, 22, 37, 18], &all)
        }
        12 => {
            let (evaluations, fires) = (u8(u)? % 24, u8(u)? % 24);
            let state = expression(u)?;
            let all = [
                user(SBR, name),
                vec![0],
                state,
                vec![evaluations],
                vec![fires],
                action(u)?,
                vec![0x60],
            ];
            own(11, &[36, 32, 38, 22, 22, 37, 18], &all)
        }
        _ => own(
            [4, 9, 13][usize::from(name % 3)],
            &[37],
            &[names(u, [RPTT, MAC, SBR][usize::from(name % 3)])?],
        ),
    })
}
