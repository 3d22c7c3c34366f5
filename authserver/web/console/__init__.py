"""The operators' pages at /console: what is stopped, what runs, who has what, and the buttons to stop and revive."""
