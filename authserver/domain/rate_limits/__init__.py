"""How often somebody may try: counters per account, client and address prefix."""
