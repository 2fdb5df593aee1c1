SELECT count(*)
FROM (SELECT FROM events GROUP BY stream HAVING min(version) <> 1 OR max(version) <> count(*)) AS broken
