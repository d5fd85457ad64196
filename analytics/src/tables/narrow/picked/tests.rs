use arrow::array::{
    Array, DictionaryArray, Float32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray,
};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Int32Type, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::*;

const SENSORS: [&str; 4] = ["A", "CR2-A", "a name longer than a view holds", "Ω"];

/// The columns asked for; no file has the last.
fn asked() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("temperature_c", DataType::Float64, true),
        Field::new("measured_at", instant, false),
        Field::new("unit", DataType::Utf8View, true),
        Field::new("seq", DataType::Int64, true),
        Field::new("battery_v", DataType::Float32, true),
        Field::new("later", DataType::Float64, true),
    ]))
}

/// `each` rows of every sensor, sorted by it; some values are not there.
fn rows(each: usize) -> RecordBatch {
    let count = each * SENSORS.len();
    let at = |row: usize| i64::try_from(row % each).unwrap() * 60_000 + i64::try_from(row % 7).unwrap();
    let there = |row: usize, value: usize| (!row.is_multiple_of(value)).then_some(row);
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("sensor", Arc::new(StringArray::from_iter_values((0..count).map(|row| SENSORS[row / each]))), false),
        (
            "measured_at",
            Arc::new(TimestampMillisecondArray::from_iter_values((0..count).map(at)).with_timezone("UTC")),
            false,
        ),
        (
            "temperature_c",
            Arc::new((0..count).map(|row| there(row, 5).map(|row| (row % 97) as f64 / 8.0)).collect::<Float64Array>()),
            true,
        ),
        (
            "unit",
            Arc::new(
                (0..count).map(|row| there(row, 3).map(|row| format!("unit {}", row % 11))).collect::<StringArray>(),
            ),
            true,
        ),
        ("seq", Arc::new(Int64Array::from_iter_values((0..count).map(|row| row as i64 * 3))), true),
        ("battery_v", Arc::new((0..count).map(|_| None).collect::<Float32Array>()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// As the lake writes, but that pages and row groups are small.
fn ours(page: usize, group: usize) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_column_dictionary_enabled(ColumnPath::from("measured_at"), false)
        .set_column_encoding(ColumnPath::from("measured_at"), Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_batch_size(page.min(64))
        .set_data_page_row_count_limit(page)
        .set_max_row_group_row_count(Some(group))
}

fn written(rows: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap().into()
}

/// What is picked of `sensor` in `file`, from its bytes and from a store.
async fn picked(file: &Bytes, sensor: &str) -> Result<RecordBatch, Stop> {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = reader.parse_and_finish(file).unwrap();
    Picked::new(&metadata, sensor, &asked())?.rows(&Source::Whole(file)).await
}

/// Whether a file of `rows` written with `properties` is one to pick from. If it is, what is picked of it is right.
async fn is_usual(rows: &RecordBatch, properties: WriterProperties) -> bool {
    let file = written(rows, properties);
    let names = cast(&rows.column_by_name("sensor").unwrap(), &DataType::Utf8).unwrap();
    let names = names.as_any().downcast_ref::<StringArray>().unwrap();
    let mut usual = 0;
    for sensor in SENSORS.into_iter().chain(["", "B", "Z"]) {
        let found = match picked(&file, sensor).await {
            Ok(found) => found,
            Err(Stop::Unusual) => continue,
            Err(Stop::Failed(error)) => panic!("{error}"),
        };
        usual += usize::from(SENSORS.contains(&sensor));
        let own = (0..rows.num_rows()).filter(|row| names.is_valid(*row) && names.value(*row) == sensor);
        let own = take_record_batch(rows, &Int64Array::from_iter_values(own.map(|row| row as i64))).unwrap();
        let column = |field: &Arc<Field>| match own.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()).unwrap(),
            None => new_null_array(field.data_type(), own.num_rows()),
        };
        let schema = asked();
        let columns = schema.fields().iter().map(column).collect();
        assert_eq!(found, RecordBatch::try_new(schema, columns).unwrap(), "{sensor}");
    }
    // bounds may tell of others that they are not there
    usual == SENSORS.len()
}

/// `rows` in an order that mixes sensors and times.
fn mixed(rows: &RecordBatch) -> RecordBatch {
    let count = rows.num_rows();
    assert_ne!(count % 7919, 0);
    let order = (0..count).map(|row| (row * 7919 % count) as i64);
    take_record_batch(rows, &Int64Array::from_iter_values(order)).unwrap()
}

/// `rows` with another column of the name.
fn with(rows: &RecordBatch, name: &str, column: ArrayRef, nullable: bool) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, old)| match field.name() == name {
        true => (name.to_owned(), Arc::clone(&column), nullable),
        false => (field.name().clone(), Arc::clone(old), field.is_nullable()),
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}

#[tokio::test]
async fn picks_what_is_there_wherever_pages_and_row_groups_end() {
    for each in [1, 2, 99, 100, 101, 650] {
        let rows = rows(each);
        for (page, group) in [(1, 7), (10, 100), (100, 100), (64, 200), (33, 1000), (20_000, 131_072)] {
            assert!(is_usual(&rows, ours(page, group).build()).await, "{each} {page} {group}");
            assert!(is_usual(&mixed(&rows), ours(page, group).build()).await, "mixed: {each} {page} {group}");
        }
    }
}

#[tokio::test]
async fn leaves_to_others_what_is_not_made_like_our_files() {
    let rows = rows(300);
    let sensor = || ColumnPath::from("sensor");
    for (what, properties, usual) in [
        ("bare", ours(50, 500).set_compression(Compression::UNCOMPRESSED), true),
        (
            "values without a dictionary",
            ours(50, 500).set_column_dictionary_enabled(ColumnPath::from("unit"), false),
            true,
        ),
        (
            "values whose dictionary ended",
            ours(50, 500).set_column_dictionary_page_size_limit(ColumnPath::from("seq"), 64),
            true,
        ),
        (
            "values split byte by byte",
            {
                let column = ColumnPath::from("temperature_c");
                ours(50, 500)
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::BYTE_STREAM_SPLIT)
            },
            true,
        ),
        ("names without a dictionary", ours(50, 500).set_column_dictionary_enabled(sensor(), false), false),
        ("names whose dictionary ended", ours(50, 500).set_column_dictionary_page_size_limit(sensor(), 8), false),
        ("names without bounds", ours(50, 500).set_column_statistics_enabled(sensor(), EnabledStatistics::None), false),
        ("no index of pages", ours(50, 500).set_statistics_enabled(EnabledStatistics::Chunk), false),
        (
            "neither index",
            ours(50, 500).set_statistics_enabled(EnabledStatistics::None).set_offset_index_disabled(true),
            false,
        ),
        ("pages of another version", ours(50, 500).set_writer_version(WriterVersion::PARQUET_2_0), false),
    ] {
        assert_eq!(is_usual(&rows, properties.build()).await, usual, "{what}");
    }
}

#[tokio::test]
async fn leaves_to_others_what_has_other_columns() {
    let rows = rows(300);
    let names = Arc::clone(rows.column_by_name("sensor").unwrap());
    let texts = names.as_any().downcast_ref::<StringArray>().unwrap();
    let keyed: ArrayRef = Arc::new(texts.iter().collect::<DictionaryArray<Int32Type>>());
    let some: ArrayRef =
        Arc::new((0..rows.num_rows()).map(|row| (row % 2 == 0).then(|| texts.value(row))).collect::<StringArray>());
    let at = rows.column_by_name("measured_at").unwrap();
    let at: &TimestampMillisecondArray = at.as_any().downcast_ref().unwrap();
    let micros = TimestampMicrosecondArray::from_iter_values(at.values().iter().map(|at| at * 1000));
    let integers = Int64Array::from_iter_values(at.values().iter().copied());
    for (what, rows, usual) in [
        ("names told by numbers in memory", with(&rows, "sensor", keyed, false), true),
        ("names that may be missing", with(&rows, "sensor", names.clone(), true), false),
        ("names that are missing", with(&rows, "sensor", some, true), false),
        ("microseconds", with(&rows, "measured_at", Arc::new(micros.with_timezone("UTC")), false), false),
        (
            "instants of no zone",
            with(&rows, "measured_at", cast(at, &DataType::Timestamp(TimeUnit::Millisecond, None)).unwrap(), false),
            false,
        ),
        ("numbers for instants", with(&rows, "measured_at", Arc::new(integers), false), false),
    ] {
        assert_eq!(is_usual(&rows, ours(50, 500).build()).await, usual, "{what}");
    }
    let none = rows.project(&[1, 2]).unwrap();
    assert!(matches!(picked(&written(&none, ours(50, 500).build()), "A").await, Err(Stop::Unusual)));
}

#[tokio::test]
async fn of_a_file_that_ends_early_nothing_is_left_out_in_silence() {
    let rows = rows(300);
    let file = written(&rows, ours(50, 500).build());
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = reader.parse_and_finish(&file).unwrap();
    let schema = asked();
    let picked = Picked::new(&metadata, SENSORS[1], &schema).unwrap();
    let whole = picked.rows(&Source::Whole(&file)).await.unwrap();
    for end in (0..file.len() / 2).step_by(11) {
        let found = picked.rows(&Source::Whole(&file.slice(..end))).await;
        assert!(found.is_err() || found.is_ok_and(|found| found == whole), "cut at {end}");
    }
}
