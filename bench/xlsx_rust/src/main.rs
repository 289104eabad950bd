//! Writes the table of bench_xlsx_write.py by rust_xlsxwriter in constant memory: `xlsx_rust ROWS RUNS PATH`. The columns are
//! made alike in memory first; printed are the least wall and CPU seconds of the runs, as JSON.
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use std::time::Instant;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        z ^ (z >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

struct Row {
    small: f64,
    price: f64,
    x: f64,
    stamp: f64,
    day: f64,
    kind: &'static str,
    user: String,
    hash: String,
    flag: bool,
    normal: f64,
    large: f64,
}

fn rows(count: usize) -> Vec<Row> {
    let mut random = Random(1);
    let kinds = ["cash", "card", "none", "dispute"];
    (0..count)
        .map(|_| Row {
            small: (random.next() % 1000) as f64,
            price: (random.unit() * 10000.0).round() / 100.0,
            x: random.unit(),
            stamp: 25569.0 + (1.6e9 + random.unit() * 1e8) / 86400.0,
            day: 25569.0 + (15000 + random.next() % 5000) as f64,
            kind: kinds[(random.next() % 4) as usize],
            user: format!("user{}", random.next() % 1000000),
            hash: format!("{:016x}{:016x}", random.next(), random.next()),
            flag: random.next() & 1 == 1,
            normal: random.normal(),
            large: (random.next() % 1000000000) as f64,
        })
        .collect()
}

fn write(rows: &[Row], path: &str) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let sheet = book.add_worksheet_with_constant_memory()?;
    let names = ["id", "small", "price", "x", "stamp", "day", "kind", "user", "hash", "flag", "normal", "large"];
    sheet.write_row(0, 0, names)?;
    for (i, row) in rows.iter().enumerate() {
        let at = i as u32 + 1;
        sheet.write_number(at, 0, i as f64)?;
        sheet.write_number(at, 1, row.small)?;
        sheet.write_number(at, 2, row.price)?;
        sheet.write_number(at, 3, row.x)?;
        sheet.write_number_with_format(at, 4, row.stamp, &moment)?;
        sheet.write_number_with_format(at, 5, row.day, &date)?;
        sheet.write_string(at, 6, row.kind)?;
        sheet.write_string(at, 7, &row.user)?;
        sheet.write_string(at, 8, &row.hash)?;
        sheet.write_boolean(at, 9, row.flag)?;
        sheet.write_number(at, 10, row.normal)?;
        sheet.write_number(at, 11, row.large)?;
    }
    book.save(path)
}

/// User and system seconds of this process so far: fields 14 and 15, in hundredths.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 2..].split(' ').collect();
    (fields[11].parse::<f64>().expect("ticks") + fields[12].parse::<f64>().expect("ticks")) / 100.0
}

fn main() -> Result<(), XlsxError> {
    let args: Vec<String> = std::env::args().collect();
    let (count, runs) = (args[1].parse().expect("rows"), args[2].parse().expect("runs"));
    let table = rows(count);
    let (mut wall_least, mut cpu_least) = (f64::MAX, f64::MAX);
    for _ in 0..runs {
        let (start, before) = (Instant::now(), cpu());
        write(&table, &args[3])?;
        wall_least = wall_least.min(start.elapsed().as_secs_f64());
        cpu_least = cpu_least.min(cpu() - before);
    }
    println!("[{wall_least}, {cpu_least}]");
    Ok(())
}
