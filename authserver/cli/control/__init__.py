"""
One operator's commands, here or at a remote server: each command is written once, against `port.Control`.

`local.py` does it in this process, with the database alone, so that a stop works while no server answers. `remote.py` asks the
admin API of another machine. Which of the two it is says `--server`.
"""
