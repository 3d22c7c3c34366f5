"""
How fast the server is, side by side with a peer in the same run: `make bench`, or `python -m benchmarks --help`.

| module | what it is |
|---|---|
| `__main__` | the command: which rounds run, in which order, what is printed |
| `flows` | what is measured: one function per flow, the same bytes at every server |
| `browser` | a person at a login page, as far as a benchmark needs one |
| `rounds` | one measurement: warm-up, window, what the machine did meanwhile |
| `load` | the load: keep-alive connections in a closed loop, every answer checked |
| `machine` | cores, processor time, stolen time: what makes a figure believable |
| `targets` | a running server, ours or the peer, found through its own metadata |
| `ours`, `peer`, `children` | how each is started, filled and ended |
| `extras` | what has no peer: password logins, memory, start, two processes |
| `goals` | what each ratio is meant to be |
| `report` | tables for people, JSON for machines |
| `validator` | the library's token verification, against the raw signature check |
| `peers/` | the peer's program and its stores |
"""
