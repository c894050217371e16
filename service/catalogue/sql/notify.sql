-- notify: what every change of the catalogue sends, without a change.
SELECT pg_notify('catalogue', '')
