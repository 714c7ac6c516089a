"""One process that starts the others, starts again what dies, and takes all with it when it goes."""
