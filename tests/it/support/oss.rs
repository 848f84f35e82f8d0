//! Zips and the form that carries them, as esa-cli sends both.

use std::io::{Cursor, Write};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip of these files.
pub(crate) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What the form's body is.
pub(crate) const FORM_KIND: &str = "multipart/form-data; boundary=b";

/// The form for what `OssPostConfig` of the assets flow says, its file without a name.
pub(crate) fn zip_form(config: &Value, more: &[(&str, &str)], zip: &[u8]) -> Vec<u8> {
    let of_config = [
        ("OSSAccessKeyId", "OSSAccessKeyId"),
        ("Signature", "Signature"),
        ("x-oss-security-token", "XOssSecurityToken"),
        ("policy", "Policy"),
        ("key", "Key"),
    ];
    let of_config = of_config.map(|(field, name)| (field, config[name].as_str().unwrap()));
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n");
    let field = |(name, value): &(&str, &str)| part(name) + "\r\n" + value + "\r\n";
    let fields: String = of_config.iter().chain(more).map(field).collect();
    let head = fields + &part("file") + "Content-Type: application/octet-stream\r\n\r\n";
    [head.as_bytes(), zip, b"\r\n--b--\r\n"].concat()
}
