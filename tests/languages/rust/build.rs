//! Compiles the contract to `src/generated`, each time the contract or the configuration changes.

use openapi_to_rust::{config::ConfigFile, spec_source, CodeGenerator, SchemaAnalyzer, TypeMapper};
use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    const CONFIG: &str = "openapi-to-rust.toml";
    let config = ConfigFile::load(Path::new(CONFIG))?.into_generator_config();
    println!("cargo:rerun-if-changed={CONFIG}");
    println!("cargo:rerun-if-changed={}", config.spec_path.display());

    let contract = serde_yaml::from_str(&fs::read_to_string(&config.spec_path)?)?;
    if let Some(warning) = spec_source::validate_oas_document(&contract)? {
        println!("cargo:warning={warning}");
    }
    let mapper = TypeMapper::new(config.types.clone());
    let mut analysis = SchemaAnalyzer::with_type_mapper(contract, mapper)?.analyze()?;
    let generator = CodeGenerator::new(config);
    generator.write_files(&generator.generate_all(&mut analysis)?)?;
    Ok(())
}
