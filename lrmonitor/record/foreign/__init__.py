"""Training logs that lrmonitor did not record, read where they are and never written to.

`recognise` finds out what a path is, by content; each format has a module with a `ForeignLog`; a
`LogReader` makes it look like a run folder's reader. docs/logs.md tells what is understood.
"""
