"""Every client that will knock: what it sends, replayed against the server in every run; `docs/clients.md` is made from here."""
