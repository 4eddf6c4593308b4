"""One file a benchmark; each prints its table with the machine it was made on."""
