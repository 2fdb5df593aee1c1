DELETE FROM snapshots WHERE category = ?1
