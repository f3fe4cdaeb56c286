"""The command line: parse, call one library function, say where the result lies."""
