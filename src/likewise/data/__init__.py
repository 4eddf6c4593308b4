"""From a source to the items of each part: splits, decoding, the cache, the catalogue."""
