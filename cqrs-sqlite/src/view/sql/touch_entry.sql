UPDATE coordination SET touched = unixepoch('subsec')
WHERE "group" = ?1 AND key = ?2 AND revision = ?3
