DELETE FROM coordination WHERE "group" = ?1 AND key = ?2 AND revision = ?3
