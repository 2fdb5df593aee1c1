-- One whose event is not the one that the stream has there is of another past, before the log was put back.
SELECT snapshots.version, snapshots.last, snapshots.data
FROM snapshots
JOIN events USING (category, stream_id, version)
WHERE snapshots.category = ?1
    AND snapshots.stream_id = ?2
    AND snapshots.fingerprint = ?3
    AND events.event_id = snapshots.last
