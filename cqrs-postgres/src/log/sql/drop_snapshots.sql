DELETE FROM {schema}.snapshots WHERE category = $1
