"""The modules of `benches/compare/run`."""
