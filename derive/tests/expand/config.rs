#[derive(Clone, Debug, Event)]
pub enum Config {
    #[event("config.loaded")]
    Loaded { path: PathBuf, #[timestamp] at: SystemTime },
    #[event("config.asked")]
    Asked { #[request_id] id: RequestId, #[timestamp] at: SystemTime },
    #[event("config.verdict")]
    Verdict { #[request_id] of: RequestId, #[responder] by: Arc<str>, #[timestamp] at: SystemTime },
}
