// SPDX-License-Identifier: Apache-2.0

//! Reads sensor readings as JSON lines and prints their average temperature and a status.
//!
//! `sensor [FILE]`, standard input without FILE. The same program as ../../sensor-c, with serde_json.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

const WARNING_ABOVE_CELSIUS: f64 = 30.0;

#[derive(Deserialize)]
#[allow(dead_code)]
struct Reading {
    temperature: f64,
    humidity: f64,
    timestamp: f64,
}

#[derive(Serialize)]
struct Summary {
    avg_temp: f64,
    status: &'static str,
}

fn summarise(input: impl BufRead) -> Result<Summary, String> {
    let mut readings = 0u32;
    let mut sum = 0.0;
    for (index, line) in input.lines().enumerate() {
        let located = |problem: String| format!("line {}: {problem}", index + 1);
        let line = line.map_err(|error| located(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let reading: Reading =
            serde_json::from_str(&line).map_err(|error| located(error.to_string()))?;
        readings += 1;
        sum += reading.temperature;
    }
    if readings == 0 {
        return Err("no readings in the input".into());
    }
    let average = sum / f64::from(readings);
    Ok(Summary {
        avg_temp: (average * 100.0).round() / 100.0,
        status: if average > WARNING_ABOVE_CELSIUS { "warning" } else { "normal" },
    })
}

fn run() -> Result<(), String> {
    let summary = match std::env::args().nth(1) {
        Some(name) => {
            let file = File::open(&name).map_err(|error| format!("{name}: {error}"))?;
            summarise(BufReader::new(file))?
        }
        None => summarise(io::stdin().lock())?,
    };
    let text = serde_json::to_string(&summary).map_err(|error| error.to_string())?;
    writeln!(io::stdout(), "{text}").map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("sensor: {problem}");
            ExitCode::FAILURE
        }
    }
}
