//! One cell of an answer, as text or as JSON.

use std::fmt::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, ListArray, StringArray, StructArray,
    TimestampMillisecondArray, UInt64Array,
};
use arrow::array::{Float32Array, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimestampMillisecondType, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use model::instant::to_rfc3339;

use crate::error::SqlError;

/// A plain column, ready to be read cell by cell.
pub(crate) struct Cells {
    array: ArrayRef,
    kind: Kind,
}

enum Kind {
    Null,
    Bool(BooleanArray),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Single(Float32Array),
    Double(Float64Array),
    Text(StringArray),
    Bytes(BinaryArray),
    Instant(TimestampMillisecondArray),
    List(ListArray),
    Struct(StructArray),
    /// Decimals: exact digits, a number in JSON.
    Digits,
    /// Dates, times of day, intervals: as arrow writes them.
    Other,
}

impl Cells {
    /// Reads `array`, which is in plain form.
    pub(crate) fn of(array: &ArrayRef) -> Result<Self, SqlError> {
        let as_type = |data_type| cast(array, &data_type).map_err(SqlError::internal);
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Bool(array.as_boolean().clone()),
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                Kind::Signed(as_type(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                Kind::Unsigned(as_type(DataType::UInt64)?.as_primitive::<UInt64Type>().clone())
            }
            DataType::Float16 | DataType::Float32 => {
                Kind::Single(as_type(DataType::Float32)?.as_primitive::<Float32Type>().clone())
            }
            DataType::Float64 => Kind::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Utf8 => Kind::Text(array.as_string().clone()),
            DataType::Binary => Kind::Bytes(array.as_binary().clone()),
            DataType::Timestamp(..) => Kind::Instant(array.as_primitive::<TimestampMillisecondType>().clone()),
            DataType::List(_) => Kind::List(array.as_list().clone()),
            DataType::Struct(_) => Kind::Struct(array.as_struct().clone()),
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Kind::Digits
            }
            _ => Kind::Other,
        };
        Ok(Self { array: array.clone(), kind })
    }

    /// Whether the cell has no value; NaN and infinity are values of no quantity.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match &self.kind {
            Kind::Null => true,
            Kind::Single(values) => values.is_null(row) || !values.value(row).is_finite(),
            Kind::Double(values) => values.is_null(row) || !values.value(row).is_finite(),
            _ => self.array.is_null(row),
        }
    }

    /// Whether the cells are free text, which needs quoting where a format has any.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::List(_) | Kind::Struct(_) | Kind::Other)
    }

    /// Whether the cells are numbers, which people like aligned to the right.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Signed(_) | Kind::Unsigned(_) | Kind::Single(_) | Kind::Double(_) | Kind::Digits)
    }

    /// Appends the cell as text; nothing for null.
    pub(crate) fn write_text(&self, row: usize, out: &mut String) -> Result<(), SqlError> {
        if self.is_null(row) {
            return Ok(());
        }
        match &self.kind {
            Kind::Text(values) => out.push_str(values.value(row)),
            Kind::Instant(values) => out.push_str(&to_rfc3339(values.value(row))),
            Kind::Bytes(values) => write_hex(values.value(row), out),
            Kind::Other => out.push_str(&self.formatted(row)?),
            _ => self.write_json(row, out)?,
        }
        Ok(())
    }

    /// Appends the cell as JSON.
    pub(crate) fn write_json(&self, row: usize, out: &mut String) -> Result<(), SqlError> {
        if self.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        match &self.kind {
            Kind::Null => out.push_str("null"),
            Kind::Bool(values) => out.push_str(if values.value(row) { "true" } else { "false" }),
            Kind::Signed(values) => number(out, format_args!("{}", values.value(row))),
            Kind::Unsigned(values) => number(out, format_args!("{}", values.value(row))),
            // `Debug` is the shortest decimal that reads back to the same value
            Kind::Single(values) => number(out, format_args!("{:?}", values.value(row))),
            Kind::Double(values) => number(out, format_args!("{:?}", values.value(row))),
            Kind::Text(values) => write_json_text(values.value(row), out),
            Kind::Instant(values) => write_json_text(&to_rfc3339(values.value(row)), out),
            Kind::Bytes(values) => {
                out.push('"');
                write_hex(values.value(row), out);
                out.push('"');
            }
            Kind::List(values) => {
                let items = values.value(row);
                let cells = Self::of(&items)?;
                out.push('[');
                for item in 0..items.len() {
                    if item > 0 {
                        out.push(',');
                    }
                    cells.write_json(item, out)?;
                }
                out.push(']');
            }
            Kind::Struct(values) => {
                out.push('{');
                for (index, (column, name)) in values.columns().iter().zip(values.column_names()).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_json_text(name, out);
                    out.push(':');
                    Self::of(column)?.write_json(row, out)?;
                }
                out.push('}');
            }
            Kind::Digits => out.push_str(&self.formatted(row)?),
            Kind::Other => write_json_text(&self.formatted(row)?, out),
        }
        Ok(())
    }

    fn formatted(&self, row: usize) -> Result<String, SqlError> {
        let options = FormatOptions::new();
        let formatter = ArrayFormatter::try_new(&self.array, &options).map_err(SqlError::internal)?;
        formatter.value(row).try_to_string().map_err(SqlError::internal)
    }
}

fn number(out: &mut String, digits: std::fmt::Arguments<'_>) {
    // writing to a String can't fail
    let _ = out.write_fmt(digits);
}

fn write_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        number(out, format_args!("{byte:02x}"));
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        if escape.is_empty() {
            number(out, format_args!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}
