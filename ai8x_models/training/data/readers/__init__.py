"""One reader for every kind of source: what lies on disk, or is drawn, as a `Source`."""
