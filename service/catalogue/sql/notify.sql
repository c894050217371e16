-- notify: the notification of a catalogue change, without a change.
SELECT pg_notify('catalogue', '')
