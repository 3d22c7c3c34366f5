"""The admin API, `/admin/api/v1`: one file per noun, and the door they stand behind. Imported at its first request."""
