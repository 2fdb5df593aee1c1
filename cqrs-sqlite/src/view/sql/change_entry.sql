UPDATE coordination SET revision = revision + 1, value = ?4, touched = unixepoch('subsec')
WHERE "group" = ?1 AND key = ?2 AND revision = ?3
