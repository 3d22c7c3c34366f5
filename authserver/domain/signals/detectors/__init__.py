"""
The detectors: each looks at one event and at what is usual, and says what is not. They read no clock and no database.

A detector's state is a part of a dictionary that JSON can hold, of bounded size whatever the events are. It is called once for each
event, in the order of the record.
"""
